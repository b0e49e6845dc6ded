/** Starts the sample kernel as soon as the window is there. */
const vscode = require("vscode");

exports.activate = () => vscode.commands.executeCommand("redzone.debugSample");
