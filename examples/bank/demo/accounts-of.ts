/** The ids of the accounts that a user of the demo has. */
export function accountsOf(user: string): [string, string] {
  return [`${user}/current`, `${user}/savings`];
}
