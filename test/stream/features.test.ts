import { describe, expect, it } from "vitest";
import { featuresHeader, ownFeatures, readFeatures } from "../../internal/stream/features.js";
import { Metadata } from "../../internal/wire/metadata.js";

describe("readFeatures", () => {
  it.each([
    { headers: {}, offered: false, deadline: false, cancel: false, end: false },
    { headers: { [featuresHeader]: ownFeatures }, offered: true, deadline: true, cancel: true, end: true },
    { headers: { [featuresHeader]: "" }, offered: true, deadline: false, cancel: false, end: false },
    { headers: { [featuresHeader]: "cancel" }, offered: true, deadline: false, cancel: true, end: false },
    {
      headers: { [featuresHeader]: " batch ,deadline , x" },
      offered: true,
      deadline: true,
      cancel: false,
      end: false,
    },
    {
      headers: { [featuresHeader]: "deadlines,Cancel" },
      offered: true,
      deadline: false,
      cancel: false,
      end: false,
    },
    {
      headers: { [featuresHeader]: ["deadline", "cancel"] },
      offered: true,
      deadline: true,
      cancel: true,
      end: false,
    },
    { headers: { "quorate-other": "deadline" }, offered: false, deadline: false, cancel: false, end: false },
  ])("reads $headers", ({ headers, ...expected }) => {
    expect(readFeatures(Metadata.from(headers))).toEqual(expected);
  });
});
