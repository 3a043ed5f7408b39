"use strict";

module.exports = function WebSocket() {
  throw new Error("ws does not work in the browser; use the browser's own WebSocket object.");
};
