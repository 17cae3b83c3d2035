// Starts `netc lsp` for .net files.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration("netc").get("command");
  const server = { command, args: ["lsp"] };
  client = new LanguageClient("netc", "netc", server, { documentSelector: [{ language: "netc" }] });
  await client.start();
};

exports.deactivate = () => client && client.stop();
