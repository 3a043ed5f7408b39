import * as v from "valibot";
import type { Authenticate } from "../../../src/live/index.ts";
import {
  clientMethod,
  commandsTopic,
  connectionsTopic,
  keyedTopic,
  lifecycleTopic,
  logTopic,
  matchFields,
  method,
  nodesTopic,
  topicsTopic,
} from "../../../src/live/index.ts";
import type { Version } from "../../rigs/live/older-version.ts";
import type { LiveOptions } from "../../rigs/live/running-live.ts";

const authorize = (): boolean => true;

/** Tokens are `ID` or `ID lives MS`. */
export const authenticate: Authenticate = ({ token }) => {
  const { id, ms } = /^(?<id>\S+)(?: lives (?<ms>\d+))?$/.exec(token ?? "")?.groups ?? {};
  if (id === undefined || id === "nobody") return undefined;
  return { id, ...(ms !== undefined && { expiresAt: Date.now() + Number(ms) }) };
};

const describe = (identity: unknown): Record<string, unknown> => ({
  name: (identity as { id: string }).id,
});

const sum = (terms: unknown): number => (terms as number[]).reduce((a, b) => a + b);

/** A server that declares all that an older version does not know. */
export const everything: LiveOptions = {
  nodeName: "new",
  topics: [
    logTopic("news", { clientPublish: true, match: matchFields }),
    keyedTopic("devices", {
      clientPublish: true,
      presence: {
        describe,
        data: v.object({ status: v.string() }),
        graceMs: 0,
      },
      onPublish: ({ data }) => ({ data }),
    }),
    keyedTopic("owned", { clientPublish: true, keyLifetime: "connection" }),
    commandsTopic({ authorize }),
    connectionsTopic({ authorize }),
    nodesTopic({ authorize }),
    topicsTopic({ authorize }),
    lifecycleTopic({ authorize }),
  ],
  methods: { add: method({ handle: sum }) },
  clientMethods: { reboot: clientMethod() },
  authenticate,
  returnWindowMs: 100,
  onError: () => {},
};

/** The same, as far as an older version knows it. */
export function ordinary({ logTopic, keyedTopic, matchFields, method }: Version): LiveOptions {
  return {
    topics: [
      logTopic("news", { clientPublish: true, match: matchFields }),
      keyedTopic("devices", { clientPublish: true, presence: { describe, graceMs: 0 } }),
      keyedTopic("owned", { clientPublish: true, keyLifetime: "connection" }),
    ],
    methods: { add: method({ handle: sum }) },
    authenticate,
    returnWindowMs: 100,
    onError: () => {},
  };
}
