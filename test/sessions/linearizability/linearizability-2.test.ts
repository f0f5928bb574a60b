import { describe } from "vitest";
import { itFindsNoViolation } from "./it-finds-no-violation.js";

describe("the replicated register, second half of the seeds", () => {
  itFindsNoViolation(501, 1_000);
});
