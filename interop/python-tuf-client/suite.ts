/** python-tuf's own Updater as the device, in `tuf` Factories; the same python-tuf as in python-tuf/. */
import { fileURLToPath } from "node:url";
import { followSuite } from "../fleet/follow-suite.ts";
import { ENVIRONMENT } from "../python-tuf/suite.ts";
import { installPython, PYTHON } from "../python-venv.ts";

const DEVICE = fileURLToPath(new URL("device.py", import.meta.url));

export const PYTHON_TUF_CLIENT = followSuite({
  name: "python-tuf-client",
  dialect: "tuf",
  needs: [PYTHON],
  // -B: nothing is compiled into the repository.
  install: (say) => [installPython(ENVIRONMENT, say), "-B", DEVICE],
});
