export { updatePresence } from "./update-presence.ts";
