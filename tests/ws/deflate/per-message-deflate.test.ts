import { describe, expect, test } from "vitest";
import { extension, PerMessageDeflate } from "../../rigs/ws/implementation.ts";

type Options = ConstructorParameters<typeof PerMessageDeflate>[0];
type Deflate = InstanceType<typeof PerMessageDeflate>;

const offersOf = (field: string) => extension.parse(field)["permessage-deflate"]!;

function accept(options: Options, field: string): object {
  return { ...new PerMessageDeflate(options).accept(offersOf(field)) };
}

const ALL =
  "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11";
const ALL_ACCEPTED = {
  server_no_context_takeover: true,
  client_no_context_takeover: true,
  server_max_window_bits: 10,
  client_max_window_bits: 11,
};
const BARE = "permessage-deflate";

describe("offer()", () => {
  test("offers the client's window by default", () => {
    expect(new PerMessageDeflate().offer()).toEqual({ client_max_window_bits: true });
    expect(PerMessageDeflate.extensionName).toBe("permessage-deflate");
  });

  test("contains the parameters in the options", () => {
    const deflate = new PerMessageDeflate({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 11,
    });
    expect(deflate.offer()).toEqual(ALL_ACCEPTED);
    expect(new PerMessageDeflate({ clientMaxWindowBits: false }).offer()).toEqual({});
  });
});

describe.each([true, false])("accept(), as a server: %s", (isServer) => {
  const wrong: [string, typeof Error, string][] = [
    [
      "server_no_context_takeover;server_no_context_takeover",
      Error,
      'Parameter "server_no_context_takeover" must have only a single value',
    ],
    ["foo", Error, 'Unknown parameter "foo"'],
    [
      "client_no_context_takeover=10",
      TypeError,
      'Invalid value for parameter "client_no_context_takeover": 10',
    ],
    [
      "server_no_context_takeover=10",
      TypeError,
      'Invalid value for parameter "server_no_context_takeover": 10',
    ],
    [
      "server_max_window_bits=7",
      TypeError,
      'Invalid value for parameter "server_max_window_bits": 7',
    ],
    [
      "server_max_window_bits=16",
      TypeError,
      'Invalid value for parameter "server_max_window_bits": 16',
    ],
    [
      "server_max_window_bits",
      TypeError,
      'Invalid value for parameter "server_max_window_bits": true',
    ],
    [
      "client_max_window_bits=16",
      TypeError,
      'Invalid value for parameter "client_max_window_bits": 16',
    ],
    [
      "client_max_window_bits=foo",
      TypeError,
      'Invalid value for parameter "client_max_window_bits": foo',
    ],
  ];
  test.each(wrong)("refuses %s", (parameters, type, text) => {
    const deflate = new PerMessageDeflate({ isServer });
    expect(() => deflate.accept(offersOf(`${BARE};${parameters}`))).toThrow(new type(text));
    expect(deflate.params).toBeNull();
  });

  test("accepts an offer without parameters, and one with all", () => {
    expect(accept({ isServer }, BARE)).toEqual({});
    expect(accept({ isServer }, ALL)).toEqual(ALL_ACCEPTED);
  });
});

describe("accept() as a server", () => {
  test("its own options override the offer", () => {
    const options = {
      isServer: true,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: 11,
    };
    const offer = `${BARE}; server_max_window_bits=14; client_max_window_bits=13`;
    expect(accept(options, offer)).toEqual({ ...ALL_ACCEPTED, server_max_window_bits: 12 });
  });

  test("accepts the first acceptable offer", () => {
    const options = { isServer: true, serverMaxWindowBits: 11 };
    const offers = `${BARE}; server_max_window_bits=10, ${BARE}`;
    expect(accept(options, offers)).toEqual({ server_max_window_bits: 11 });
  });

  test.each<[Options, string]>([
    [{ serverNoContextTakeover: false }, "; server_no_context_takeover"],
    [{ serverMaxWindowBits: false }, "; server_max_window_bits=10"],
    [{ serverMaxWindowBits: 11 }, "; server_max_window_bits=10"],
    [{ clientMaxWindowBits: 10 }, ""],
    [{ clientMaxWindowBits: 10 }, "; client_max_window_bits=9"],
  ])("with %j cannot accept '%s'", (options, parameters) => {
    const refusal = new Error("None of the extension offers can be accepted");
    expect(() => accept({ ...options, isServer: true }, BARE + parameters)).toThrow(refusal);
  });

  test("cannot choose a window for a client that does not offer it", () => {
    expect(accept({ isServer: true }, `${BARE}; client_max_window_bits`)).toEqual({});
  });
});

describe("accept() as a client", () => {
  test("accepts a window that it offered, and uses it if the response has none", () => {
    expect(accept({ clientMaxWindowBits: 10 }, BARE)).toEqual({ client_max_window_bits: 10 });
  });

  test.each<[Options, string, string]>([
    [
      { clientNoContextTakeover: false },
      "client_no_context_takeover",
      'Unexpected parameter "client_no_context_takeover"',
    ],
    [
      { clientMaxWindowBits: false },
      "client_max_window_bits=10",
      'Unexpected or invalid parameter "client_max_window_bits"',
    ],
    [
      { clientMaxWindowBits: 10 },
      "client_max_window_bits=11",
      'Unexpected or invalid parameter "client_max_window_bits"',
    ],
    [{}, "client_max_window_bits", 'Invalid value for parameter "client_max_window_bits": true'],
  ])("with %j refuses %s", (options, parameter, text) => {
    expect(() => accept(options, `${BARE}; ${parameter}`)).toThrow(text);
  });
});

const compress = (deflate: Deflate, data: Buffer | string, fin = true): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    deflate.compress(data, fin, (error, result) => (error ? reject(error) : resolve(result))),
  );
const decompress = (deflate: Deflate, data: Buffer, fin = true): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    deflate.decompress(data, fin, (error, result) => (error ? reject(error) : resolve(result))),
  );

function agreed(options: Options = {}, parameters = ""): Deflate {
  const deflate = new PerMessageDeflate(options);
  deflate.accept(offersOf(BARE + parameters));
  return deflate;
}

describe("compress() and decompress()", () => {
  test("restore the bytes, whole and in fragments", async () => {
    const deflate = agreed();
    const bytes = Buffer.from([1, 2, 3, 4]);
    expect(await decompress(deflate, await compress(deflate, bytes))).toEqual(bytes);
    const first = await compress(deflate, bytes.subarray(0, 2), false);
    const second = await compress(deflate, bytes.subarray(2));
    const parts = [await decompress(deflate, first, false), await decompress(deflate, second)];
    expect(Buffer.concat(parts)).toEqual(bytes);
  });

  test("work with windows, without contexts, and with zlib options", async () => {
    const options = {
      zlibDeflateOptions: { level: 9, memLevel: 5, chunkSize: 128 },
      zlibInflateOptions: { chunkSize: 256 },
    };
    const deflate = agreed(options, ALL.slice(BARE.length));
    const text = Buffer.from("Some compressible data, it's compressible.".repeat(50));
    for (let count = 0; count < 2; count += 1) {
      expect(await decompress(deflate, await compress(deflate, text))).toEqual(text);
    }
  });

  test("level 0 stores, level 9 compresses", async () => {
    const text = Buffer.from("a".repeat(500));
    const stored = await compress(agreed({ zlibDeflateOptions: { level: 0 } }), text);
    const short = await compress(agreed({ zlibDeflateOptions: { level: 9 } }), text);
    expect(stored.length).toBeGreaterThan(text.length);
    expect(short.length).toBeLessThan(text.length);
    expect(await decompress(agreed(), stored)).toEqual(text);
  });

  test("without a context, equal messages have equal output; with one, the second is shorter", async () => {
    const alone = agreed({ isServer: true }, "; server_no_context_takeover");
    const first = await compress(alone, "foofoo");
    expect(await compress(alone, "foofoo")).toEqual(first);
    const keeping = agreed({ isServer: true });
    await compress(keeping, "foofoo");
    expect((await compress(keeping, "foofoo")).length).toBeLessThan(first.length);
  });

  test("data that is not DEFLATE causes zlib's own error", async () => {
    const garbage = Buffer.from("0102030405060708", "hex").fill(0xff);
    await expect(decompress(agreed(), garbage)).rejects.toMatchObject({
      code: "Z_DATA_ERROR",
      errno: -3,
    });
  });

  test.each([50, 1024 * 1024])("%i bytes are more than maxPayload 25", async (size) => {
    const deflate = agreed({ maxPayload: 25 });
    const data = await compress(deflate, Buffer.alloc(size, "A"));
    const error = await decompress(deflate, data).catch((error: Error) => error);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      message: "Max payload size exceeded",
      code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    });
  });

  test("cleanup() calls waiting callbacks with an error", async () => {
    const deflate = agreed();
    const failing = compress(deflate, "A".repeat(50));
    process.nextTick(() => deflate.cleanup());
    await expect(failing).rejects.toThrow(
      new Error("The deflate stream was closed while data was being processed"),
    );
  });

  test("a final block does not end the connection's data", async () => {
    const deflate = agreed();
    const data = Buffer.from("33343236313533b7000000", "hex");
    expect(String(await decompress(deflate, data))).toBe("12345678");
    expect(String(await decompress(deflate, data))).toBe("12345678");
  });
});
