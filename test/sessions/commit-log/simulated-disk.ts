import { basename } from "node:path";
import type { FileSystem, LogFile } from "../../../src/sessions/commit-log/file-system.js";
import type { Random } from "../../helpers/seeded-random.js";

/** What a call of the file system does in place of its work. */
export type Fault = "EIO" | "ENOSPC" | "short" | "crash";

/** A call of the file system, by its name and that of the file. */
export interface DiskCall {
  /** 1, 2, 3, ... */
  readonly number: number;
  readonly name: string;
  readonly file: string;
}

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly size: number };
type NameChange = readonly { readonly name: string; readonly contents: Contents | undefined }[];

class Contents {
  /** What a reader sees. */
  current: Buffer = Buffer.alloc(0);
  /** What is on the disk for certain. */
  durable: Buffer = Buffer.alloc(0);
  /** What may be on the disk, each part of it or not. */
  pending: Change[] = [];
}

/**
 * A folder in memory that forgets as a disk does: what was not synced may be lost in a crash, in any part and any order;
 * after a sync that failed, the changes look written and never will be.
 */
export class SimulatedDisk implements FileSystem {
  /** Decides what goes wrong. */
  plan: (call: DiskCall) => Fault | undefined = () => undefined;
  readonly calls: DiskCall[] = [];
  #names = new Map<string, Contents>();
  #durableNames = new Map<string, Contents>();
  #pendingNames: NameChange[] = [];
  #crashed = false;
  #locked = false;
  openFiles = 0;

  async makeDirectory(): Promise<void> {
    this.call("makeDirectory", "");
  }

  async lock(): Promise<() => Promise<void>> {
    this.call("lock", "");
    if (this.#locked) throw new Error("somebody has the lock");
    this.#locked = true;
    return async () => {
      this.#locked = false;
    };
  }

  async list(): Promise<readonly string[]> {
    this.call("list", "");
    return [...this.#names.keys()];
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<LogFile> {
    this.call("open", path);
    const name = basename(path);
    let contents = this.#names.get(name);
    if (mode === "create" && contents !== undefined) change(contents, { size: 0 });
    if (mode === "create" && contents === undefined) {
      contents = new Contents();
      this.#rename([{ name, contents }]);
    }
    if (contents === undefined) throw systemError("ENOENT", name);
    this.openFiles += 1;
    return new SimulatedFile(this, name, contents, mode !== "read");
  }

  async rename(from: string, to: string): Promise<void> {
    this.call("rename", from);
    const contents = this.#names.get(basename(from));
    if (contents === undefined) throw systemError("ENOENT", from);
    this.#rename([
      { name: basename(from), contents: undefined },
      { name: basename(to), contents },
    ]);
  }

  async remove(path: string): Promise<void> {
    this.call("remove", path);
    if (!this.#names.has(basename(path))) throw systemError("ENOENT", path);
    this.#rename([{ name: basename(path), contents: undefined }]);
  }

  async syncDirectory(): Promise<void> {
    const changes = this.#pendingNames;
    this.#pendingNames = [];
    this.call("syncDirectory", "");
    for (const each of changes) apply(this.#durableNames, each);
  }

  /** The bytes of a file, as a reader sees them. */
  bytesOf(name: string): Buffer {
    return this.#names.get(name)?.current ?? Buffer.alloc(0);
  }

  /** Puts a file there, durably. */
  put(name: string, bytes: Buffer): void {
    const contents = Object.assign(new Contents(), { current: bytes, durable: bytes });
    this.#names.set(name, contents);
    this.#durableNames.set(name, contents);
  }

  /** A copy of the files that nobody has synced: a backup that was put back. */
  copied(): SimulatedDisk {
    const next = new SimulatedDisk();
    for (const [name, { current }] of this.#names) {
      const contents = new Contents();
      change(contents, { at: 0, bytes: Buffer.from(current) });
      next.#rename([{ name, contents }]);
    }
    return next;
  }

  get names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Nothing more can be done with the disk. */
  crash(): void {
    this.#crashed = true;
  }

  /** What a process finds after this one was killed: everything. A copy, as all that is found later is. */
  afterKill(): SimulatedDisk {
    const next = new SimulatedDisk();
    const copies = new Map<Contents, Contents>();
    const copyOf = (contents: Contents) => {
      const copy =
        copies.get(contents) ?? Object.assign(new Contents(), contents, { pending: [...contents.pending] });
      copies.set(contents, copy);
      return copy;
    };
    next.#names = new Map([...this.#names].map(([name, contents]) => [name, copyOf(contents)]));
    next.#durableNames = new Map([...this.#durableNames].map(([name, contents]) => [name, copyOf(contents)]));
    next.#pendingNames = this.#pendingNames.map((changes) =>
      changes.map(({ name, contents }) => ({ name, contents: contents && copyOf(contents) })),
    );
    return next;
  }

  /** What is found after the power was lost: what was synced, and by chance any part of the rest. */
  afterPowerLoss(random: Random): SimulatedDisk {
    const next = new SimulatedDisk();
    const names = new Map(this.#durableNames);
    for (const each of this.#pendingNames) if (random() < 0.5) apply(names, each);
    for (const [name, contents] of names) next.put(name, survivors(contents, random));
    return next;
  }

  /** Counts a call, and throws what is planned for it. */
  call(name: string, path: string): Fault | undefined {
    if (this.#crashed) throw new Error("the machine has crashed");
    const call = { number: this.calls.length + 1, name, file: basename(path) };
    this.calls.push(call);
    const fault = this.plan(call);
    if (fault === "crash") this.crash();
    if (fault === "short" || fault === undefined) return fault;
    if (name === "write") return fault;
    throw systemError(fault, name);
  }

  #rename(changes: NameChange): void {
    apply(this.#names, changes);
    this.#pendingNames.push(changes);
  }
}

class SimulatedFile implements LogFile {
  readonly #disk: SimulatedDisk;
  readonly #name: string;
  readonly #contents: Contents;
  readonly #writable: boolean;
  #open = true;

  constructor(disk: SimulatedDisk, name: string, contents: Contents, writable: boolean) {
    this.#disk = disk;
    this.#name = name;
    this.#contents = contents;
    this.#writable = writable;
  }

  async size(): Promise<number> {
    this.#call("size");
    return this.#contents.current.length;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const fault = this.#call("read");
    const bytes = this.#contents.current.subarray(position, position + target.length);
    const some = fault === "short" ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes;
    target.set(some);
    return some.length;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    if (!this.#writable) throw systemError("EBADF", this.#name);
    const fault = this.#call("write");
    const some = fault === undefined ? bytes : bytes.subarray(0, Math.ceil(bytes.length / 2));
    change(this.#contents, { at: position, bytes: Buffer.from(some) });
    if (fault !== undefined && fault !== "short") throw systemError(fault, this.#name);
    return some.length;
  }

  async truncate(size: number): Promise<void> {
    this.#call("truncate");
    change(this.#contents, { size });
  }

  async sync(): Promise<void> {
    const { pending } = this.#contents;
    // Not given back when the call fails: then the changes look written.
    this.#contents.pending = [];
    try {
      this.#call("sync");
    } catch (error) {
      this.#contents.durable = partly(this.#contents.durable, pending);
      throw error;
    }
    this.#contents.durable = pending.reduce(changed, this.#contents.durable);
  }

  async close(): Promise<void> {
    if (!this.#open) throw systemError("EBADF", this.#name);
    this.#open = false;
    this.#disk.openFiles -= 1;
    this.#call("close");
  }

  #call(name: string): Fault | undefined {
    if (!this.#open && name !== "close") throw systemError("EBADF", this.#name);
    return this.#disk.call(name, this.#name);
  }
}

function change(contents: Contents, each: Change): void {
  contents.pending.push(each);
  contents.current = changed(contents.current, each);
}

function changed(bytes: Buffer, each: Change): Buffer {
  if ("size" in each)
    return Buffer.concat([bytes, Buffer.alloc(Math.max(0, each.size - bytes.length))], each.size);
  const grown = Buffer.alloc(Math.max(bytes.length, each.at + each.bytes.length));
  grown.set(bytes);
  grown.set(each.bytes, each.at);
  return grown;
}

/** A failed sync has written the first half of what it had to write, here. */
function partly(bytes: Buffer, pending: readonly Change[]): Buffer {
  return pending.slice(0, Math.floor(pending.length / 2)).reduce(changed, bytes);
}

/** Each sector of each change is on the disk or not, and the size may be there before the bytes. */
function survivors({ durable, pending }: Contents, random: Random): Buffer {
  const keep = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] ?? 1;
  let bytes = durable;
  for (const each of pending) {
    if ("size" in each) {
      if (random() < keep) bytes = changed(bytes, each);
      continue;
    }
    for (let at = 0; at < each.bytes.length; at += sectorBytes) {
      const sector = each.bytes.subarray(at, at + sectorBytes);
      if (random() < keep) bytes = changed(bytes, { at: each.at + at, bytes: sector });
    }
  }
  return bytes;
}

/** Small, so that frames of a few bytes have several. */
const sectorBytes = 16;

function apply(names: Map<string, Contents>, changes: NameChange): void {
  for (const { name, contents } of changes) {
    if (contents === undefined) names.delete(name);
    else names.set(name, contents);
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
