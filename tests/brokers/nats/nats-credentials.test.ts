import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "@nats-io/transport-node";
import { afterEach, expect, test } from "vitest";
import { natsOptionsOf } from "../../../src/brokers/nats/link/nats-url.ts";
import type { NatsBrokerOptions } from "../../../src/brokers/nats/index.ts";
import { logTopic } from "../../../src/live/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { open } from "../../rigs/brokers/nats-node.ts";
import { append, closeAll, follow, offsets } from "../../rigs/brokers/node.ts";
import { NatsServer } from "../../rigs/brokers/nats-server.ts";

afterEach(closeAll);

type KeyPair = ReturnType<typeof nkeys.createUser>;

const unreachable = { code: "broker_unreachable" };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function works(server: NatsServer, options: NatsBrokerOptions): Promise<void> {
  const node = await follow(await open(server.url, options), logTopic("news"));
  await append(node.topic, 1);
  expect(offsets(node)).toHaveLength(1);
}

test("TLS: the connection opens with the certificate's authority, and not without it", async () => {
  const { cert, key } = makeCertificate();
  const settings = `tls { cert_file: "${cert}", key_file: "${key}" }`;
  const server = await NatsServer.start({ settings });
  await works(server, { client: { tls: { caFile: cert } } });
  await expect(open(server.url)).rejects.toMatchObject({
    ...unreachable,
    message: expect.stringContaining("self-signed certificate"),
  });
  const plain = await NatsServer.start();
  await expect(open(plain.url.replace("nats:", "tls:"))).rejects.toMatchObject(unreachable);
  // As the command line says it.
  const { url, ...options } = natsOptionsOf(`${server.url}?ca=${cert}`);
  expect(url).toBe(server.url);
  const broker = await open(server.url, options);
  expect((await follow(broker, logTopic("news"))).topic.offset).toBe(1);
});

test("nkey: the connection opens with a known key, and not with another one", async () => {
  const user = nkeys.createUser();
  const settings = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
  const server = await NatsServer.start({ settings });
  await works(server, { client: { authenticator: nkeyAuthenticator(user.getSeed()) } });
  const other = nkeyAuthenticator(nkeys.createUser().getSeed());
  const failed = open(server.url, { client: { authenticator: other } });
  await expect(failed).rejects.toMatchObject({
    ...unreachable,
    message: expect.stringContaining("check the credentials"),
  });
  const file = join(server.folder, "seed.nk");
  writeFileSync(file, `${text(user.getSeed())}\n`);
  const { client } = natsOptionsOf(`${server.url}?nkey=${file}`);
  await follow(await open(server.url, { client: client! }), logTopic("news"));
});

/** A JSON web token as NATS has them, of `subject` and signed by `issuer`. */
function tokenOf(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { version: 2, ...nats },
  };
  const signed = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
  const signature = issuer.sign(new TextEncoder().encode(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

test("a credentials file of an account on a server with an operator", async () => {
  const operator = nkeys.createOperator();
  const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const none = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };
  const streams = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountToken = tokenOf(operator, account, "a", {
    type: "account",
    limits: { ...none, ...streams, wildcards: true },
  });
  const systemToken = tokenOf(operator, system, "s", {
    type: "account",
    limits: { ...none, wildcards: true },
  });
  const server = await NatsServer.start({
    settings: `
      operator: ${tokenOf(operator, operator, "o", { type: "operator" })}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${account.getPublicKey()}: ${accountToken}
        ${system.getPublicKey()}: ${systemToken}
      }`,
  });
  const userToken = tokenOf(account, user, "u", { type: "user", subs: -1, data: -1, payload: -1 });
  const credentials = `-----BEGIN NATS USER JWT-----
${userToken}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${text(user.getSeed())}
------END USER NKEY SEED------
`;
  const authenticator = credsAuthenticator(new TextEncoder().encode(credentials));
  await works(server, { client: { authenticator } });
  await expect(open(server.url)).rejects.toMatchObject(unreachable);
  const file = join(server.folder, "user.creds");
  writeFileSync(file, credentials);
  const { client } = natsOptionsOf(`${server.url}?creds=${file}`);
  await follow(await open(server.url, { client: client! }), logTopic("news"));
});

test("a user without permission for JetStream's API or a topic's subject gets an error and does not wait", async () => {
  const settings = `authorization { users: [
    { user: "reader", password: "p", permissions: { publish: ["$JS.>", "longwire.meta.>"] } }
    { user: "enough", password: "p", permissions: {
      publish: ["$JS.API.>", "$JS.FC.>", "longwire.>"]
      subscribe: ["longwire.>", "_INBOX.>"]
    } }
    { user: "nobody", password: "p", permissions: { publish: ["x"] } }
  ] }`;
  const server = await NatsServer.start({ settings });
  const client = { user: "nobody", pass: "p" };
  await expect(open(server.url, { client })).rejects.toMatchObject({
    ...unreachable,
    message: expect.stringContaining("Permissions Violation"),
  });
  const enough = await open(server.url, { client: { user: "enough", pass: "p" } });
  await append((await follow(enough, logTopic("other"))).topic, 1);
  const reader = await open(server.url, { client: { user: "reader", pass: "p" } });
  const { topic } = await follow(reader, logTopic("news"));
  await expect(topic.append({ data: 1 })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("Permissions Violation"),
  });
});

test("the query parameters of a NATS URL", () => {
  const url = "nats://127.0.0.1:1";
  expect(natsOptionsOf(`${url}?replicas=3&storage=memory`)).toMatchObject({
    url,
    replicas: 3,
    storage: "memory",
  });
  expect(() => natsOptionsOf(`${url}?replica=3`)).toThrow("broker has ?replica, which");
  expect(() => natsOptionsOf(`${url}?creds=/nowhere`)).toThrow(
    "/nowhere, which the broker's URL names, cannot be read",
  );
});
