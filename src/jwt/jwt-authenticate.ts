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
 * The key to verify tokens with: a secret's bytes, a key, a function that finds the key, or the URL
 * of a JSON Web Key Set, which is fetched on demand and cached.
 */
export type JwtKey = Uint8Array | CryptoKey | KeyObject | JWK | JWTVerifyGetKey | URL;

export interface JwtOptions extends JWTVerifyOptions {
  key: JwtKey;
  /** The claim that becomes the identity's `id`. Default `sub`. */
  idClaim?: string;
}

/** The longest `tokenId` of an identity. */
const MAX_TOKEN_ID_LENGTH = 255;

/** An identity from a token. */
export interface JwtIdentity extends Identity {
  readonly claims: JWTPayload;
}

/**
 * Returns an `authenticate` for `LiveServer` that verifies JSON Web Tokens. (RFC 7519)
 *
 * A token must have `exp` and the claim of the id. Pass `issuer`, `audience` and `algorithms` with
 * the key, as documented by the issuer.
 *
 * @throws nothing itself. The returned function refuses an invalid token with `unauthorized`, and
 *   one whose keys cannot be fetched now with `unavailable`
 */
export function jwtAuthenticate({ key, idClaim = "sub", ...options }: JwtOptions): Authenticate {
  const find = keyFinder(key);
  const requiredClaims = [...new Set(["exp", idClaim, ...(options.requiredClaims ?? [])])];
  return async ({ token }): Promise<JwtIdentity | undefined> => {
    if (token === undefined) return undefined;
    const claims = await claimsOf(token, find, { ...options, requiredClaims });
    const { [idClaim]: id, exp = 0, jti } = claims;
    if (typeof id !== "string" || id === "")
      throw refusal(`its ${idClaim} is not a non-empty string`);
    return { id, expiresAt: exp * 1_000, ...(isName(jti) && { tokenId: jti }), claims };
  };
}

/** A token without a usable name can be revoked together with its identity only. */
function isName(jti: unknown): jti is string {
  return typeof jti === "string" && jti !== "" && jti.length <= MAX_TOKEN_ID_LENGTH;
}

function keyFinder(key: JwtKey): JWTVerifyGetKey {
  if (key instanceof URL) return fetchedKeys(key);
  return typeof key === "function" ? key : () => key;
}

/**
 * Fetches the keys of a set. If the set cannot be fetched now, or was fetched too recently to look
 * for a new key, that is not the client's fault, so it may retry.
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
      const text = `The keys for verifying tokens cannot be fetched from ${address.origin} (${message}); try again later.`;
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
  return new LiveError("unauthorized", `The token is not valid: ${why}. Sign in to get another.`);
}
