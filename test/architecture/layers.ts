/** Folders and files of the library from the bottom to the top. A room is a folder, or a file beside folders. */
export const layers: readonly (readonly string[])[] = [
  ["internal/errors", "internal/util", "internal/wire"],
  ["internal/stream"],
  ["internal/transport"],
  ["src/configuration", "src/service", "src/errors"],
  ["src/calls"],
  ["src/server", "src/connect.ts"],
  ["src/sessions", "src/context", "src/telemetry", "src/testing"],
  ["src/cli", "src/inspector"],
];

/** The layer of the add-ons, which do not know each other. */
export const addOnLayer = 6;

/** The entry point exports what the layers below the add-ons have; nothing of the library imports it. */
export const entryPoint = "src/index.ts";

/** The room that a file is in: its first two path segments. */
export function roomOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** The layer of a file, or undefined if its room is on no list. */
export function layerOf(path: string): number | undefined {
  const room = roomOf(path);
  const layer = layers.findIndex((rooms) => rooms.includes(room));
  return layer === -1 ? undefined : layer;
}
