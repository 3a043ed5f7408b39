/** The params that narrow a subscription: a JSON object. */
export type Params = Readonly<Record<string, unknown>>;
