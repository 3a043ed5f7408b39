/**
 * Svelte's store contract: `run` is called immediately with the value, and with each later value.
 */
export interface Readable<Value> {
  subscribe(run: (value: Value) => void): () => void;
}
