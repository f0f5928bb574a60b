import type { EtcdMember, LocalEtcd } from "../../../examples/bank/demo/local-etcd.js";

/** Asks a member over HTTP, past the log. Rejects with what it answers if that is an error. */
export async function askEtcd(
  { endpoint }: Pick<EtcdMember, "endpoint">,
  path: string,
  body: object,
  token?: string,
): Promise<unknown> {
  const headers = token === undefined ? {} : { authorization: token };
  const response = await fetch(`http://${endpoint}/v3/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers,
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`etcd answers ${path} with ${JSON.stringify(answer)}`);
  return answer;
}

/** Puts a key that is not the log's. */
export async function putKey(member: EtcdMember, key: string, value: string): Promise<void> {
  await askEtcd(member, "kv/put", { key: base64(key), value: base64(value) });
}

/** The value of a key, as text; undefined if it is not there. */
export async function readKey(member: EtcdMember, key: string): Promise<string | undefined> {
  const answer = await askEtcd(member, "kv/range", { key: base64(key) });
  const [found] = listAt(answer, "kvs");
  const value = fieldAt(found, "value");
  return typeof value === "string" ? Buffer.from(value, "base64").toString() : undefined;
}

/** How many keys there are below a prefix. */
export async function countKeys(member: EtcdMember, prefix: string): Promise<number> {
  const answer = await askEtcd(member, "kv/range", { ...rangeOf(prefix), count_only: true });
  return Number(fieldAt(answer, "count") ?? 0);
}

/** Deletes all keys below a prefix. */
export async function deleteBelow(member: EtcdMember, prefix: string): Promise<void> {
  await askEtcd(member, "kv/deleterange", rangeOf(prefix));
}

/** Makes etcd forget all revisions before the present one. */
export async function compact(member: EtcdMember): Promise<void> {
  const answer = await askEtcd(member, "kv/range", { key: base64("/") });
  const revision = fieldAt(fieldAt(answer, "header"), "revision");
  await askEtcd(member, "kv/compaction", { revision, physical: true });
}

/** Takes back all alarms. */
export async function disarm(member: EtcdMember): Promise<void> {
  const answer = await askEtcd(member, "maintenance/alarm", {});
  for (const alarm of listAt(answer, "alarms")) {
    const memberID = fieldAt(alarm, "memberID");
    await askEtcd(member, "maintenance/alarm", {
      action: "DEACTIVATE",
      memberID,
      alarm: fieldAt(alarm, "alarm"),
    });
  }
}

/** The only member of a cluster, or the first. */
export function firstOf({ members: [first] }: LocalEtcd): EtcdMember {
  if (first === undefined) throw new Error("the cluster has no member");
  return first;
}

/** A text as the gateway takes keys and values. */
export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** All keys that begin with a text, as the gateway takes them. */
export function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  const last = String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  return { key: base64(prefix), range_end: base64(prefix.slice(0, -1) + last) };
}

/** A field of what etcd has answered. */
export function fieldAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const field = fieldAt(value, name);
  return Array.isArray(field) ? field : [];
}
