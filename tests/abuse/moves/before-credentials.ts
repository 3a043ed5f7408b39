import { write, type Abuser } from "../abuser.ts";
import { HttpClient, requestHead } from "../http.ts";
import type { World } from "../row.ts";
import { frame, TEXT, WebSocketClient } from "../web-socket.ts";
import { oneFrame } from "./unfinished-messages.ts";

const MIB = 1024 * 1024;
const WRONG_REQUESTS = 10;
/** Longer than any that an application makes; a message before credentials has 16 KiB. */
const LONGEST_TOKEN = 16 * 1024;
/**
 * An address has 100 attempts, and one a second. Besides, all that were under way when the first
 * ones failed are looked at: ten on each of 50 connections, one on each of 50 others.
 */
const MOST_ATTEMPTS = 1_000;

/** Unfinished messages of clients who never say who they are. */
export const messages = oneFrame(Math.floor(15.9 * MIB), { showsToken: false });

/** Long tokens, one behind the other, each of which has to be checked. */
export function longHello(abuser: Abuser): Promise<void> {
  const hello = frame(TEXT, Buffer.from(`{"type":"hello","token":"${"x".repeat(MIB - 100)}"}`));
  return abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser, { showsToken: false });
    while (!abuser.isOver) {
      await write(socket, hello);
    }
    socket.destroy();
  });
}

/** Wrong tokens as fast as they are taken, half of them over HTTP. */
export function wrongTokens(abuser: Abuser): Promise<void> {
  return abuser.crowd(100, async (at) => {
    if (at % 2 === 0) return guessOverWebSocket(abuser, at);
    const client = await HttpClient.open(abuser);
    const headers = { Authorization: `Bearer wrong-${at}` };
    const request = requestHead(abuser, "GET /live/rooms/1", headers, false);
    while (!abuser.isOver) {
      await client.ask(request.repeat(WRONG_REQUESTS), WRONG_REQUESTS);
    }
    client.socket.destroy();
  });
}

/** Nobody looks at tokens that are far longer than tokens are. */
export async function noLongTokens(world: World): Promise<string | undefined> {
  const { longestToken } = await countsOf(world);
  return longestToken <= LONGEST_TOKEN
    ? undefined
    : `authenticate was asked about a token of ${longestToken} characters`;
}

/** Nobody looks at credentials of an address that has shown wrong ones over and over. */
export async function fewAttempts(world: World): Promise<string | undefined> {
  const { refused } = await countsOf(world);
  return refused <= MOST_ATTEMPTS
    ? undefined
    : `authenticate was asked about ${refused} wrong tokens`;
}

/** Returns the counts of the fixture's `authenticate`. */
async function countsOf({ bystander }: World): Promise<{ refused: number; longestToken: number }> {
  const { body } = await bystander.get("/counts");
  return JSON.parse(body) as { refused: number; longestToken: number };
}

async function guessOverWebSocket(abuser: Abuser, at: number): Promise<void> {
  const client = await WebSocketClient.open(abuser, { showsToken: false });
  await client.send(`{"type":"hello","token":"wrong-${at}"}`);
  await new Promise((resolve) => client.socket.once("close", resolve));
}
