import type { Page } from "./page.ts";

/** The cost of a page beyond its bytes: its name, itself, and its entries in two maps. */
const PAGE_OVERHEAD_BYTES = 512;

interface KeptPage {
  readonly owner: object;
  readonly name: string;
  readonly page: Page;
}

/**
 * Caches the pages that readers at the same position share, for all views of a server; evicts the
 * oldest first.
 */
export class PageCache {
  readonly #maxBytes: number;
  readonly #order = new Set<KeptPage>();
  readonly #byOwner = new Map<object, Map<string, KeptPage>>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The cached bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Drops everything, because memory is low. */
  drop(): void {
    for (const kept of this.#order) this.#drop(kept);
  }

  get(owner: object, name: string): Page | undefined {
    return this.#byOwner.get(owner)?.get(name)?.page;
  }

  set(owner: object, name: string, page: Page): void {
    const kept = { owner, name, page };
    const size = sizeOf(kept);
    if (size > this.#maxBytes) return;
    const pages = this.#byOwner.get(owner) ?? new Map<string, KeptPage>();
    const known = pages.get(name);
    if (known !== undefined) this.#order.delete(known);
    this.#byOwner.set(owner, pages.set(name, kept));
    this.#order.add(kept);
    this.#bytes += size - (known === undefined ? 0 : sizeOf(known));
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  /** Drops the pages of `owner`. */
  clear(owner: object): void {
    const pages = this.#byOwner.get(owner);
    if (pages === undefined) return;
    for (const kept of pages.values()) this.#drop(kept);
  }

  #drop(kept: KeptPage): void {
    const pages = this.#byOwner.get(kept.owner);
    pages?.delete(kept.name);
    if (pages?.size === 0) this.#byOwner.delete(kept.owner);
    this.#order.delete(kept);
    this.#bytes -= sizeOf(kept);
  }
}

function sizeOf({ name, page }: KeptPage): number {
  return (page.bytes?.length ?? 0) + name.length + PAGE_OVERHEAD_BYTES;
}
