import type { MessageInitShape } from "@bufbuild/protobuf";
import { pick, type Random, randomInteger } from "../demo/seeded-random.js";
import type { Receipt, TotalsResponse, TransferRequestSchema } from "../gen/bank/v1/bank_pb.js";
import { refusalReason } from "../service/bank-refusal.js";
import { PauseMeter } from "./pause-meter.js";

/** A transfer, and what its client was told of it. */
export interface TransferOutcome {
  readonly transferId: string;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly result:
    | { readonly kind: "receipt"; readonly receipt: Receipt; readonly replayed: boolean }
    | { readonly kind: "refused"; readonly reason: string }
    | { readonly kind: "failed"; readonly error: unknown };
}

/** What the load calls. */
export interface BankCalls {
  transfer(request: MessageInitShape<typeof TransferRequestSchema>): Promise<Receipt>;
  totals(request: Record<string, never>): Promise<TotalsResponse>;
}

/** What a load is. */
export interface TransferLoadOptions {
  readonly bank: BankCalls;
  /** Begins the names of its transfers. */
  readonly user: string;
  /** The accounts that it transfers from. */
  readonly own: readonly [string, ...string[]];
  /** The accounts that it transfers to, its own among them; one that is there twice is chosen twice as often. */
  readonly all: readonly [string, ...string[]];
  /** What all accounts have together. */
  readonly total: bigint;
  /** The number of the session under which answers come now. */
  readonly sessionNumber: () => number;
  readonly random: Random;
}

/** Transfers money until it is stopped, so many at a time, and keeps what it was told of each. */
export class TransferLoad {
  readonly outcomes: TransferOutcome[] = [];
  /** What must not be, in words. */
  readonly problems: string[] = [];
  /** How long it has no answer to anything. */
  readonly pauses: PauseMeter = new PauseMeter();
  readonly #options: TransferLoadOptions;
  readonly #running: Promise<void>[] = [];
  #stopped = false;
  #begun = 0;
  #audits = 0;

  constructor(options: TransferLoadOptions) {
    this.#options = options;
  }

  /** How many times the totals were read. */
  get audits(): number {
    return this.#audits;
  }

  /** Begins, with so many transfers at a time. */
  start(window: number): void {
    for (let lane = 0; lane < window; lane++) this.#running.push(this.#runLane());
  }

  /** Makes one more transfer, of an amount that is there, beside the others. Returns its name at once. */
  once(): string {
    const { own, all, random } = this.#options;
    const from = pick(random, own);
    const request = { transferId: this.#nextId(), from, to: otherThan(from, all, random), amount: 1n };
    this.#running.push(this.#transfer(request).then(() => {}));
    return request.transferId;
  }

  /** Begins nothing more, and resolves once all is answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** One after the other: each is in the log behind the one that was answered before it. */
  async #runLane(): Promise<void> {
    let lastOp = 0n;
    for (let count = 1; !this.#stopped; count++) {
      const { transferId, result } = await this.#transfer(this.#choose());
      if (result.kind === "failed") return;
      if (result.kind === "receipt") {
        if (result.receipt.op <= lastOp)
          this.problems.push(`${transferId} stands before what came before it`);
        lastOp = result.receipt.op;
      }
      if (count % auditEvery === 0) await this.#audit();
    }
  }

  async #transfer(request: Omit<TransferOutcome, "result">): Promise<TransferOutcome> {
    const outcome = { ...request, result: await this.#resultOf(request) };
    this.outcomes.push(outcome);
    return outcome;
  }

  async #resultOf(request: Omit<TransferOutcome, "result">): Promise<TransferOutcome["result"]> {
    const { bank, sessionNumber } = this.#options;
    try {
      const receipt = await bank.transfer(request);
      this.pauses.answered();
      // The session number is the op of the registration. What was applied before it was asked for by an older
      // stream, whose answer was lost: this answer is to a request that came again, and is the one that was kept.
      return { kind: "receipt", receipt, replayed: receipt.op < sessionNumber() };
    } catch (error) {
      const reason = refusalReason(error);
      if (reason !== undefined) {
        this.pauses.answered();
        return { kind: "refused", reason };
      }
      this.problems.push(`${request.transferId} failed: ${error}`);
      return { kind: "failed", error };
    }
  }

  async #audit(): Promise<void> {
    try {
      const { deposits, balances } = await this.#options.bank.totals({});
      this.pauses.answered();
      this.#audits++;
      const { total } = this.#options;
      if (deposits === total && balances === total) return;
      this.problems.push(`the accounts have ${balances} of ${deposits}, expected ${total}`);
    } catch (error) {
      this.problems.push(`the totals cannot be read: ${error}`);
    }
  }

  #choose(): Omit<TransferOutcome, "result"> {
    const { own, all, total, random } = this.#options;
    const from = pick(random, own);
    // Some that nobody can pay: a refusal is an answer as well, and must not turn into a transfer by a retry.
    const amount = random() < 1 / 16 ? total + 1n : BigInt(randomInteger(random, 1, 100));
    return { transferId: this.#nextId(), from, to: otherThan(from, all, random), amount };
  }

  #nextId(): string {
    return `${this.#options.user}-${++this.#begun}`;
  }
}

/** Transfers of a lane between two looks at the totals. */
const auditEvery = 5;

function otherThan(account: string, all: readonly [string, ...string[]], random: Random): string {
  for (;;) {
    const other = pick(random, all);
    if (other !== account) return other;
  }
}
