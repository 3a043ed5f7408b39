import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type CryptoKey,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type KeyObject,
} from "jose";
import { LiveError, type Authenticate, type Identity } from "../live/index.ts";

/**
 * What tokens are verified with: a secret's bytes, a key, a function that finds the key, or the
 * address of a JSON Web Key Set, which is fetched when it is needed and kept.
 */
export type JwtKey = Uint8Array | CryptoKey | KeyObject | JWK | JWTVerifyGetKey | URL;

export interface JwtOptions extends JWTVerifyOptions {
  key: JwtKey;
  /** The claim that is the identity's `id`. Default `sub`. */
  idClaim?: string;
}

/** An identity that came from a token. */
export interface JwtIdentity extends Identity {
  readonly claims: JWTPayload;
}

/**
 * An `authenticate` for `LiveServer` that takes a JSON Web Token for what its claims say. (RFC 7519)
 *
 * A token has to have `exp` and the claim of the id; give `issuer`, `audience` and `algorithms`
 * beside the key, as the one who issues it says.
 *
 * @throws nothing itself; a token that is not valid is refused as `unauthorized`, one whose keys
 *   cannot be fetched now as `unavailable`
 */
export function jwtAuthenticate({ key, idClaim = "sub", ...options }: JwtOptions): Authenticate {
  const find = keyFinder(key);
  const requiredClaims = [...new Set(["exp", idClaim, ...(options.requiredClaims ?? [])])];
  return async ({ token }): Promise<JwtIdentity | undefined> => {
    if (token === undefined) return undefined;
    const claims = await claimsOf(token, find, { ...options, requiredClaims });
    const { [idClaim]: id, exp = 0 } = claims;
    if (typeof id !== "string" || id === "") throw refusal(`its ${idClaim} is no text`);
    return { id, expiresAt: exp * 1_000, claims };
  };
}

function keyFinder(key: JwtKey): JWTVerifyGetKey {
  if (key instanceof URL) return fetchedKeys(key);
  return typeof key === "function" ? key : () => key;
}

/**
 * The keys of a set that is fetched. That it cannot be fetched now, or was so recently that it is
 * not asked again for a key which may be new in it, is not the client's fault: it may come back.
 */
function fetchedKeys(address: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(address);
  return async (header, token) => {
    const isRecent = keys.coolingDown;
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && !isRecent) throw error;
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      const { message } = error as Error;
      const text = `The keys that tokens are checked with cannot be had from ${address.origin} now (${message}); come back in a moment.`;
      throw new LiveError("unavailable", text);
    }
  };
}

async function claimsOf(
  token: string,
  find: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, find, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refusal("it has expired");
    if (!(error instanceof errors.JOSEError)) throw error;
    throw refusal(error.message);
  }
}

function refusal(why: string): LiveError {
  return new LiveError("unauthorized", `The token is not valid: ${why}. Sign in for another.`);
}
