import {
  create,
  type DescField,
  type DescMessage,
  isMessage,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/**
 * The message with all maps in it sorted by key, so that equal messages have equal bytes: maps are encoded in the order
 * in which their keys were set. What was given is not changed; without maps it is what is returned.
 */
export function withSortedMaps(
  schema: DescMessage,
  init: MessageInitShape<DescMessage>,
): MessageInitShape<DescMessage> {
  if (!hasMaps(schema)) return init;
  return sortedCopy(reflect(schema, isMessage(init, schema) ? init : create(schema, init))).message;
}

function sortedCopy(source: ReflectMessage): ReflectMessage {
  const copy = reflect(source.desc);
  for (const field of source.fields) if (source.isSet(field)) copyField(field, source, copy);
  const unknown = source.getUnknown();
  if (unknown !== undefined) copy.setUnknown(unknown);
  return copy;
}

function copyField(field: DescField, source: ReflectMessage, copy: ReflectMessage): void {
  if (field.fieldKind === "map") {
    const map = copy.get(field);
    const entries = [...source.get(field)].map(([key, value]) => ({ key, text: String(key), value }));
    entries.sort((a, b) => (a.text < b.text ? -1 : 1));
    for (const { key, value } of entries) map.set(key, sorted(value));
  } else if (field.fieldKind === "list") {
    const list = copy.get(field);
    for (const item of source.get(field)) list.add(sorted(item));
  } else {
    copy.set(field, sorted(source.get(field)));
  }
}

function sorted(value: unknown): unknown {
  return isReflectMessage(value) ? sortedCopy(value) : value;
}

const known = new WeakMap<DescMessage, boolean>();

/** Whether there may be a map in such a message, at any depth. */
function hasMaps(schema: DescMessage): boolean {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const has = reaches(schema, new Set());
  known.set(schema, has);
  return has;
}

function reaches(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some(
    (field) => field.fieldKind === "map" || (field.message !== undefined && reaches(field.message, seen)),
  );
}
