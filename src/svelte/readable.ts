/** Svelte's store contract: `run` is called at once with the value, and with each that follows. */
export interface Readable<Value> {
  subscribe(run: (value: Value) => void): () => void;
}
