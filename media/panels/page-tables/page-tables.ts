/** The Page Tables panel's front end. */
import { connect } from "../kit/host.ts";

connect();
