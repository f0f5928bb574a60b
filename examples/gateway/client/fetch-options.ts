/** How something is fetched. */
export interface FetchOptions {
  /** Ends the fetching, with an error. Without it, it ends when all peers have been asked. */
  readonly signal?: AbortSignal;
}
