import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import type { AttachedExtension, Extension, ExtensionHost } from "../../src/server/extension.js";
import type { StreamContext } from "../../src/server/handler-context.js";
import type { Invoke } from "../../src/server/invoke-handler.js";

/** What a {@link TestExtension} does other than to hand on what comes. */
export interface TestExtensionInit {
  readonly name?: string;
  readonly methods?: readonly string[];
  /** Written to by all that share it. */
  readonly told?: string[];
  readonly attach?: (host: ExtensionHost) => Promise<void>;
  readonly handle?: AttachedExtension["handle"];
  readonly close?: () => Promise<void>;
}

/** An extension that writes down what it is told. */
export class TestExtension implements Extension {
  readonly name: string;
  readonly told: string[];
  readonly hosts: ExtensionHost[] = [];
  readonly opened: StreamContext[] = [];
  readonly #init: TestExtensionInit;

  constructor(init: TestExtensionInit = {}) {
    this.#init = init;
    this.name = init.name ?? "test";
    this.told = init.told ?? [];
  }

  async attach(host: ExtensionHost): Promise<AttachedExtension> {
    this.#tell("attach");
    this.hosts.push(host);
    await this.#init.attach?.(host);
    return {
      methods: this.#init.methods ?? [],
      handle: (request, stream, next) => this.#handle(request, stream, next),
      streamOpened: (stream) => {
        this.#tell("streamOpened");
        this.opened.push(stream);
      },
      closing: () => this.#tell("closing"),
      close: async () => {
        this.#tell("close");
        await this.#init.close?.();
      },
    };
  }

  async #handle(request: IncomingRequest, stream: StreamContext, next: Invoke): Promise<void> {
    this.#tell(`handle ${request.method}`);
    if (this.#init.handle !== undefined) await this.#init.handle(request, stream, next);
    else await next(request, stream);
  }

  #tell(what: string): void {
    this.told.push(`${this.name}: ${what}`);
  }
}
