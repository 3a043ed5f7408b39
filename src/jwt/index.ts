export { jwtAuthenticate } from "./jwt-authenticate.ts";
export type { JwtIdentity, JwtKey, JwtOptions } from "./jwt-authenticate.ts";
