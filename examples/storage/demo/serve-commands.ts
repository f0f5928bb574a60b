import { listenForEnd, untilAborted } from "../process/listen-for-end.js";

/** What a process of the demo can be told to do by the one that started it: one input, one answer each. */
export type Commands = { readonly [name: string]: (input: never) => Promise<unknown> };

/** A command on its way to a process. */
export interface CommandMessage {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

/** What comes back. */
export type AnswerMessage =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

/**
 * Runs the commands that come over the process's IPC channel, until it is told to end: by SIGTERM, by SIGINT, or by
 * the end of the process that started it. Started by hand, a process has no channel and only waits for a signal.
 */
export async function serveCommands(commands: Commands): Promise<void> {
  using end = listenForEnd();
  process.on("message", (message: CommandMessage) => void answer(commands, message));
  await untilAborted(end.signal);
  if (process.connected) process.disconnect();
}

async function answer(commands: Commands, { id, name, input }: CommandMessage): Promise<void> {
  // An answer that nobody is left to read is none; without a callback, it would be an uncaught error.
  const send = (message: AnswerMessage) => process.send?.(message, undefined, undefined, () => {});
  try {
    const command = commands[name];
    if (command === undefined) throw new Error(`there is no command ${name}`);
    send({ id, ok: true, value: await Reflect.apply(command, commands, [input]) });
  } catch (error) {
    send({ id, ok: false, error: String(error) });
  }
}
