import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { LongwireError } from "../base/index.ts";
import { asyncApiDocument, type LiveApi } from "../live/index.ts";

interface AsyncApiOptions {
  export: string;
  title: string;
  apiVersion: string;
  url: string;
}

/** `longwire asyncapi`: prints a module's API as an AsyncAPI document. */
export function asyncApiCommand(): Command {
  return new Command("asyncapi")
    .description("print the AsyncAPI 3 document of an API that a JavaScript module declares")
    .argument("<module>", "the module's file, which exports { topics, methods }")
    .option("--export <name>", "the name of the export", "api")
    .option("--title <text>", "the API's title", "Longwire API")
    .option("--api-version <version>", "the API's own version", "1.0.0")
    .option("--url <url>", "the live server's URL with its path", "ws://localhost:8080/live")
    .addHelpText(
      "after",
      `
Examples:
  longwire asyncapi ./api.js > asyncapi.json
  longwire asyncapi ./api.js --title Lab --url wss://lab.example/live`,
    )
    .action(async (file: string, options: AsyncApiOptions) => {
      const api = await readApi(file, options.export);
      const { title, apiVersion: version, url } = options;
      if (!URL.canParse(url)) {
        throw new LongwireError("invalid_url", `--url is ${url}; give one such as ws://host/live.`);
      }
      console.log(JSON.stringify(asyncApiDocument(api, { title, version, url }), undefined, 2));
    });
}

/** Imports the API. @throws LongwireError `no_module`, `no_api` as a rejection */
async function readApi(file: string, name: string): Promise<LiveApi> {
  const module = await load(file);
  const api = module[name];
  if (isApi(api)) return api;
  const seen = Object.keys(module).join(", ") || "nothing";
  const message = `${file} exports ${seen}; export const ${name} = { topics: [...] }, or name another with --export.`;
  throw new LongwireError("no_api", message);
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (cause) {
    const seen = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const message = `${file} cannot be loaded (${seen}); give a JavaScript module that Node can import.`;
    throw new LongwireError("no_module", message, { cause });
  }
}

function isApi(value: unknown): value is LiveApi {
  const { topics } = (value ?? {}) as { topics?: unknown };
  return (
    Array.isArray(topics) &&
    topics.every((topic) => {
      const { kind, name } = (topic ?? {}) as { kind?: unknown; name?: unknown };
      return (kind === "log" || kind === "keyed") && typeof name === "string";
    })
  );
}
