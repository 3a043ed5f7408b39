import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { jwtAuthenticate } from "../../src/jwt/index.ts";
import { LiveError, logTopic, type Credentials } from "../../src/live/index.ts";
import { RunningLive } from "../rigs/live/running-live.ts";

const secret = new TextEncoder().encode("a secret of at least thirty-two bytes");
const nowS = Math.floor(Date.now() / 1000);

function signed(claims: Record<string, unknown> = {}, key: Uint8Array = secret): Promise<string> {
  return new SignJWT({ sub: "anna", exp: nowS + 60, iss: "us", ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(key);
}

function shown(token: string | undefined): Credentials {
  const nothing = (): undefined => undefined;
  return {
    token,
    header: nothing,
    cookie: nothing,
    query: new URLSearchParams(),
    remoteAddress: undefined,
  };
}

describe("jwtAuthenticate", () => {
  const authenticate = jwtAuthenticate({ key: secret, issuer: "us", algorithms: ["HS256"] });

  test("a valid token becomes an identity with its subject, expiry and claims", async () => {
    const token = await signed({ site: "lab" });
    expect(await authenticate(shown(token))).toMatchObject({
      id: "anna",
      expiresAt: (nowS + 60) * 1000,
      claims: { site: "lab" },
    });
  });

  test("a missing token counts as no credentials, and is not refused", async () => {
    expect(await authenticate(shown(undefined))).toBeUndefined();
  });

  test.each([
    ["signed by someone else", () => signed({}, new TextEncoder().encode("x".repeat(40)))],
    ["expired", () => signed({ exp: nowS - 10 })],
    ["not valid yet", () => signed({ nbf: nowS + 60 })],
    ["of another issuer", () => signed({ iss: "them" })],
    ["without an end", () => signed({ exp: undefined })],
    ["without a subject", () => signed({ sub: undefined })],
    ["with an empty subject", () => signed({ sub: "" })],
    ["with a subject that is not a string", () => signed({ sub: 7 })],
    ["unsigned", () => new UnsecuredJWT({ sub: "anna", exp: nowS + 60, iss: "us" }).encode()],
    ["no token at all", () => "abc"],
    ["empty", () => ""],
  ])(
    "a token %s is unauthorized, with a one-line message that does not contain the token",
    async (_name, make) => {
      const token = await make();
      const error = await Promise.resolve(authenticate(shown(token))).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LiveError);
      expect(error).toMatchObject({ code: "unauthorized" });
      expect((error as Error).message).not.toContain("\n");
      if (token.length > 3) expect((error as Error).message).not.toContain(token);
    },
  );

  test("idClaim selects another claim as the id", async () => {
    const byDevice = jwtAuthenticate({ key: secret, idClaim: "device" });
    expect(await byDevice(shown(await signed({ device: "ap-1" })))).toMatchObject({ id: "ap-1" });
    await expect(byDevice(shown(await signed()))).rejects.toMatchObject({ code: "unauthorized" });
  });
});

describe("keys from the URL of a key set", () => {
  /** A key server that says what the test has it say, and a token of its key. */
  async function keyServer(): Promise<{
    key: URL;
    answer: { status: number; body: string };
    token: (kid: string) => Promise<string>;
    close: () => Promise<void>;
  }> {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const jwk = await exportJWK(publicKey);
    const keys = ["k1", "k2"].map((kid) => ({ ...jwk, kid, alg: "ES256" }));
    const answer = { status: 200, body: JSON.stringify({ keys: keys.slice(0, 1) }) };
    const server = createServer((_request, response) => {
      response.writeHead(answer.status).end(answer.body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = async (): Promise<void> => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    };
    onTestFinished(close);
    const { port } = server.address() as AddressInfo;
    const token = (kid: string): Promise<string> =>
      new SignJWT({ sub: "anna", exp: nowS + 60 })
        .setProtectedHeader({ alg: "ES256", kid })
        .sign(privateKey);
    return { key: new URL(`http://127.0.0.1:${port}/keys`), answer, token, close };
  }

  const outcome = (authenticate: ReturnType<typeof jwtAuthenticate>, token: string) =>
    Promise.resolve(authenticate(shown(token))).catch((error: LiveError) => error.code);

  test("are fetched on demand", async () => {
    const { key, token } = await keyServer();
    expect(await outcome(jwtAuthenticate({ key }), await token("k1"))).toMatchObject({
      id: "anna",
    });
  });

  test.each([
    ["503", { status: 503, body: "" }],
    ["a page of HTML", { status: 200, body: "<html>sign in</html>" }],
    ["JSON that is not a key set", { status: 200, body: "{}" }],
  ])("if the server answers with %s, nobody is refused permanently", async (_name, answered) => {
    const { key, answer, token } = await keyServer();
    Object.assign(answer, answered);
    expect(await outcome(jwtAuthenticate({ key }), await token("k1"))).toBe("unavailable");
  });

  test("if the server is unreachable, nobody is refused permanently", async () => {
    const { key, token, close } = await keyServer();
    await close();
    expect(await outcome(jwtAuthenticate({ key }), await token("k1"))).toBe("unavailable");
  });

  test("an unknown key is retried if the set was fetched too recently, and refused after a fetch without it", async () => {
    const { key, token } = await keyServer();
    const authenticate = jwtAuthenticate({ key });
    expect(await outcome(authenticate, await token("k1"))).toMatchObject({ id: "anna" });
    expect(await outcome(authenticate, await token("k2"))).toBe("unavailable");
    expect(await outcome(jwtAuthenticate({ key }), await token("k2"))).toBe("unauthorized");
  });
});

test("on a server: hello with a token succeeds, refresh with another continues, and an invalid one is closed with 4401", async () => {
  const live = await RunningLive.start({
    topics: [logTopic("news")],
    authenticate: jwtAuthenticate({ key: secret, issuer: "us" }),
  });
  const { clientKinds, LEVEL_1 } = await import("../rigs/live/live-client.ts");
  const good = clientKinds.ws(live.url(), LEVEL_1);
  onTestFinished(() => good.close?.());
  await good.opened;
  good.send({ type: "hello", token: await signed() });
  expect(await good.next()).toMatchObject({ type: "welcome" });
  good.send({ type: "refresh", token: await signed({ exp: nowS + 600 }) });
  const refreshed = await good.next();
  expect(refreshed).toMatchObject({ type: "refreshed" });
  expect((refreshed as unknown as { expiresIn: number }).expiresIn).toBeGreaterThan(500_000);
  const bad = clientKinds.ws(live.url(), LEVEL_1);
  await bad.opened;
  bad.send({ type: "hello", token: "nonsense" });
  expect(await bad.next()).toMatchObject({ type: "error", code: "unauthorized" });
  expect(await bad.next()).toMatchObject({ type: "disconnect", code: 4401, retry: false });
  expect(await bad.closed).toMatchObject({ code: 4401 });
});
