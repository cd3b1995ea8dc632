#!/usr/bin/env node
// The entry that every Node can read: says what is wrong where an older one would run the code.
import { requireNode } from "./require-node.js";

if (requireNode()) await import("./rootward.ts");
