/** The role of this end of the connection. */
export type Role = "client" | "server";
