#!/usr/bin/env node
import { runNodeJs } from "@bufbuild/protoplugin";
import { helpText } from "./help-text.js";
import { plugin } from "./plugin.js";

const [argument] = process.argv.slice(2);
if (argument === "--help" || argument === "-h") {
  process.stdout.write(helpText);
} else {
  runNodeJs(plugin);
}
