import { describe } from "vitest";
import { itFindsNoViolation } from "./it-finds-no-violation.js";

describe("the replicated register, first half of the seeds", () => {
  itFindsNoViolation(1, 500);
});
