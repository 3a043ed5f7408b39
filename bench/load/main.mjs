import { answerRequests } from "../answering.mjs";
import { broadcast } from "./broadcast.mjs";
import { echo } from "./echo.mjs";
import { flatConnections, flatMessages } from "./flat.mjs";
import { handshakes } from "./handshakes.mjs";
import { http2Echo } from "./http2-echo.mjs";
import { exchangeIdle, openIdle } from "./idle.mjs";
import { latency } from "./latency.mjs";
import { liveFanout, liveGather, liveLeave, liveReturn, liveStalled, liveTopics } from "./live.mjs";
import { listenNeutral, measureNeutral } from "./neutral-server.mjs";
import { withStage } from "./stage.mjs";

// The load generator's process.

const loads = {
  broadcast,
  echo,
  exchangeIdle,
  flatConnections,
  flatMessages,
  handshakes,
  http2Echo,
  latency,
  listenNeutral,
  liveFanout,
  liveGather,
  liveLeave,
  liveReturn,
  liveStalled,
  liveTopics,
  measureNeutral,
  openIdle,
};

answerRequests(({ load, options, pid }) => withStage(load, async () => loads[load](options, pid)));
