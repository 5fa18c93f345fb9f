// The tab "CGC jobs" of a task instance in Airflow's UI: what the task and its trigger write into the XCom `cgc_jobs`
// while they wait for jobs on the platform.
//
// Written by hand and served as it stands: no build, no import. React is the page's own. The data comes through
// Airflow's REST API in the session of whoever looks, so nobody sees here what they may not see elsewhere.
// Every value is taken for hostile: it is checked in `readSnapshot`, becomes text only as React's children, is never
// markup, style or code, and never decides by itself where a link leads.
//
// One module, because Airflow imports one address. Its parts, each below a line of the form "// --- values":
//   values            readSnapshot, and how each value is read
//   asking Airflow    the requests, and useLooks, which repeats them
//   words             numbers, sizes and times for people; the headline
//   links             to known origins only
//   taking it along   the table as CSV, for a file or the clipboard
//   what is seen      Progress
//   the chart         Chart, and the same in numbers
//   the rest          Counts, Facts, the table of jobs, Causes, AfterClear, and Tab, which holds them all
//   how it looks      the style sheet

const NAME = "CGC jobs"; // Airflow's UI takes the component from the global of this name
const VERSION = 1; // of the snapshot
const EVERY = 10_000; // ms between two looks
const SLOWEST = 120_000; // ms, after failed looks
const PATIENCE = 60_000; // ms for all answers of one look
const MOMENT = 3_000; // ms from what the viewer does until Airflow has done it
const MOST_ROWS = 500; // a snapshot holds 140
const MOST_CAUSES = 50; // a snapshot holds 21
const MOST_TEXT = 1_000; // characters of one text
const QUIET = 480; // seconds that a wait may be silent, or three looks if longer: see `BEAT`
const FIRST_QUIET = 180; // ... and before the first look
const ASKEW = 30_000; // ms by which the viewer's clock may be wrong without it mattering
const BEATS = 120; // seconds since a triggerer was heard of after which it counts as stopped
const CODES_PAGE = "https://docs.cancergenomicscloud.org/docs/api-status-codes";
// The platforms' web pages, as in client/platforms.py: links lead only to these and to the page above.
const ORIGINS = [
  "https://cgc.sbgenomics.com",
  "https://cavatica.sbgenomics.com",
  "https://igor.sbgenomics.com",
  "https://eu.sbgenomics.com",
  "https://platform.sevenbridges.cn",
  "https://platform.sb.biodatacatalyst.nhlbi.nih.gov",
];
const ENDED = new Set(["success", "failed", "skipped", "upstream_failed", "removed"]); // of the task instance
const AGAIN = new Set(["", "scheduled", "queued", "up_for_retry", "restarting"]); // what follows a clear or a failure
const KINDS = new Set(["export", "import", "task"]); // what a job is called
const COUNTS = {
  completed: "completed",
  failed: "failed",
  missing: "missing",
  skipped: "skipped",
  running: "running",
  pending: "pending",
  not_found: "not found yet",
  not_seen: "not asked yet",
};
const OPEN = new Map(Object.entries({ DRAFT: "pending", PENDING: "pending", NOT_FOUND: "not_found" })); // others: running
const COLUMNS = "group,id,file,name,volume,location,code,message,remedy,since,ended,size".split(",");
const ALWAYS = new Set(["completed", "failed", "running", "pending"]); // shown even if zero
const UNCOUNTED = "Not counted by cause."; // what the summary calls failures of which it knows nothing else
const NO_REASON = "The platform gave no reason.";
const MISSING_CODE = 9008; // "Requested job does not exist."

const React = globalThis.React;
if (!React) {
  throw new Error("The CGC jobs tab needs the React that Airflow's UI offers from 3.1 on.");
}
const { createElement: h, useEffect, useRef, useState } = React;

// --- values: whatever comes in, a string, a number or nothing goes on

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const asObjects = (value) => (Array.isArray(value) ? value.filter(isObject).slice(0, MOST_ROWS) : []);
// Numbers that can be added up and counted with; no count and no size in bytes is larger.
const LARGEST = 1e20;
const asNumber = (value) => (typeof value === "number" && Math.abs(value) <= LARGEST ? value : null);
const asCount = (value) => Math.max(0, Math.floor(asNumber(value) ?? 0));
// Seconds since 1970, from then to the year 9999: what dates can be made of.
const asTime = (value) => (asNumber(value) !== null && value > 0 && value < 253_402_300_800 ? value : null);

function asText(value) {
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}\u2026` : text;
}

// Signs that cannot be seen or that turn the text around them (a name that only looks like "report.bam").
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;
const visible = (text) =>
  text.replace(/[\t\n\r]+/g, " ").replace(UNSEEN, (sign) => `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`);

function readSnapshot(value) {
  const counts = Object.fromEntries(Object.keys(COUNTS).map((name) => [name, asCount(value.counts[name])]));
  const sum = Object.values(counts).reduce((left, right) => left + right, 0);
  const remedies = isObject(value.remedies) ? value.remedies : {};
  const failures = asObjects(value.failures).map((row) => readRow(row, groupOfFailure(row, counts), remedies));
  const causes = readCauses(value.causes, failures, counts.failed + counts.missing, remedies);
  const longest = asObjects(value.longest).map((row) => readRow(row, OPEN.get(row.state) ?? "running"));
  const recent = asObjects(value.recent).map((row) => readRow(row, "completed"));
  const rate = isObject(value.rate) ? value.rate : {};
  return {
    word: KINDS.has(value.kind) ? value.kind : "job",
    outcome: asText(value.outcome),
    at: asTime(value.at),
    since: asTime(value.since),
    interval: asNumber(value.interval),
    counts,
    total: Math.max(asCount(value.counts.total), sum),
    ended: counts.completed + counts.failed + counts.missing + counts.skipped,
    bytes: asNumber(value.bytes),
    bytesTotal: asNumber(value.bytes_total),
    byteRate: asNumber(rate.bytes),
    jobRate: asNumber(rate.jobs),
    eta: asNumber(value.eta),
    history: readHistory(value.history),
    causes,
    rows: [...byCause(failures, causes), ...longest, ...recent]
      .filter((row) => row.id || row.file)
      .map((row, index) => ({
        ...row,
        own: row.own.filter(([, text]) => text !== value.project),
        key: `${row.group} ${row.id} ${index}`,
      })),
    cut: value.cut === true,
    requests: asNumber(value.requests),
    refused: asCount(value.refused),
    web: ORIGINS.includes(value.web) ? value.web : null,
    project: asText(value.project),
    volume: asText(value.volume),
    task: asText(value.task),
    manifest: asText(value.manifest),
    afterClear: readAfterClear(value.after_clear),
  };
}

// What a Clear of the task would do; the words come from where it is decided. `running`: true if that is so only while a
// worker runs the task, false if only while none does.
function readAfterClear(value) {
  const { text, running } = isObject(value) ? value : {};
  return { text: asText(text), running: typeof running === "boolean" ? running : null };
}

// A snapshot of an older release, and a summary, do not say which job failed and which one the platform does not know.
function groupOfFailure(row, counts) {
  if (row.state === "MISSING" || row.state === "FAILED") {
    return row.state.toLowerCase();
  }
  const known = row.file || row.location || row.name || !counts.missing;
  return row.code === MISSING_CODE || !known ? "missing" : "failed";
}

// Why jobs failed, the largest cause first. Where the numbers do not add up to all failures, or there are none, as in a
// snapshot of an older release, those that are listed are counted.
function readCauses(value, failures, bad, remedies) {
  const told = (Array.isArray(value) ? value : [])
    .slice(0, MOST_CAUSES)
    .filter((one) => isObject(one) && asCount(one.count) > 0)
    .map((one) => ({ ...reason(one, remedies), count: asCount(one.count) }));
  const sum = (causes) => causes.reduce((all, one) => all + one.count, 0);
  if (sum(told) === bad) {
    return told.sort((left, right) => (left.rest ? 1 : right.rest ? -1 : right.count - left.count));
  }
  const counted = [];
  for (const row of failures.slice(0, bad)) {
    const same = counted.find((one) => one.code === row.code && one.message === row.message);
    if (same) {
      same.count += 1;
    } else {
      counted.push({ ...reason(row, remedies), count: 1 });
    }
  }
  counted.sort((left, right) => right.count - left.count);
  const rest = bad - sum(counted);
  return rest > 0 ? [...counted, { ...reason({ message: UNCOUNTED }, {}), count: rest }] : counted;
}

function reason(one, remedies) {
  const code = asNumber(one.code);
  const message = asText(one.message);
  const remedy = code !== null && Object.hasOwn(remedies, String(code)) ? asText(remedies[String(code)]) : "";
  return { code, message, remedy, rest: code === null && message === UNCOUNTED };
}

// The failures in the order of their causes. What differs from job to job is left out of a cause's message.
function byCause(failures, causes) {
  const place = (row) => {
    const same = causes.findIndex((one) => one.code === row.code && one.message === row.message);
    const alike = same < 0 ? causes.findIndex((one) => one.code === row.code && !one.rest) : same;
    return alike < 0 ? causes.length : alike;
  };
  return failures
    .map((row, index) => ({ row, index, place: place(row) }))
    .sort((left, right) => left.place - right.place || left.index - right.index)
    .map(({ row }) => row);
}

function readRow(row, group, remedies = {}) {
  const { code, message, remedy } = reason(row, remedies);
  return {
    group,
    id: asText(row.id),
    file: asText(row.file),
    name: asText(row.name),
    volume: asText(row.volume),
    location: asText(row.location),
    code,
    message,
    remedy,
    since: asTime(row.since),
    ended: asTime(row.ended),
    size: asNumber(row.size),
    // Its kind's columns
    own: Object.entries(row)
      .map(([name, one]) => [name, asText(one)])
      .filter(([name, text]) => text && name !== "state" && !COLUMNS.includes(name) && /^[a-z_]{2,20}$/.test(name))
      .slice(0, 8),
  };
}

// Points of five numbers, time going on: [seconds, completed, failed, running, waiting]. A sixth may follow.
function readHistory(value) {
  const points = (Array.isArray(value) ? value : [])
    .slice(-200)
    .filter((point) => Array.isArray(point) && point.length >= 5 && point.every((one) => asNumber(one) !== null))
    .map((point) => point.slice(0, 5).map((one) => Math.max(0, one)));
  return points.filter((point, index) => index === 0 || point[0] > points[index - 1][0]);
}

// A run of an older release has a summary of its end and nothing else; nor has a task that waited for nothing.
function fromSummary(summary) {
  const failed = asCount(summary.failed) + asCount(summary.missing);
  const snapshot = readSnapshot({
    kind: summary.kind,
    outcome: failed ? "failed" : "completed",
    counts: summary,
    bytes: summary.bytes,
    causes: summary.causes,
    failures: summary.failed_items,
    manifest: summary.manifest,
  });
  return { ...snapshot, older: true };
}

// --- asking Airflow

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The viewer's clock may be minutes off. Airflow's answers tell the time by which news is dated, to the second.
let ahead = 0; // ms
const present = () => (Date.now() - ahead) / 1000;

function compareClocks(answer) {
  const skew = Date.now() - Date.parse(answer.headers.get("Date") ?? "");
  ahead = Math.abs(skew) > ASKEW ? skew : 0;
}

// The browser sends Airflow's own cookie, as it does for the rest of the page. A redirect is not followed: it is the
// login page of a proxy before Airflow, maybe on another host.
async function get(path, signal) {
  const root = new URL("api/v2/", document.baseURI).pathname; // Airflow may live below a path
  let answer;
  let body;
  try {
    answer = await fetch(root + path, {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal,
    });
    compareClocks(answer);
    body = await (answer.ok ? answer.json() : answer.json().catch(() => null)); // a proxy may refuse in any form
  } catch (error) {
    const told = {
      SyntaxError: "Airflow's answer could not be read.",
      AbortError: `Airflow did not answer within ${PATIENCE / 1000} seconds.`,
      TypeError: "Airflow could not be reached.", // what browsers call any failure of the network
    };
    throw Object.hasOwn(told, error.name) ? new Refusal(0, told[error.name]) : error;
  }
  if (answer.ok) {
    return body;
  }
  if (answer.status === 404) {
    return null;
  }
  // Airflow says this, with 403, of a session that was signed out elsewhere; its own pages go by these words, too.
  const signedOut = answer.type === "opaqueredirect" || body?.detail === "Invalid JWT token";
  throw new Refusal(signedOut ? 401 : answer.status, "");
}

// The state comes first: where the task has ended, what is read after that is the last word. Where `before` had that
// word and nothing has happened to the task since, there is no more to ask.
async function ask({ dagId, runId, taskId, mapIndex }, before, signal) {
  const part = (text) => encodeURIComponent(String(text ?? ""));
  const map = /^\d+$/.test(mapIndex ?? "") ? Number(mapIndex) : -1;
  const path = `dags/${part(dagId)}/dagRuns/${part(runId)}/taskInstances/${part(taskId)}`;
  const xcom = async (key) => (await get(`${path}/xcomEntries/${key}?map_index=${map}`, signal))?.value ?? null;
  const task = await get(map < 0 ? path : `${path}/${map}`, signal);
  if (task === null) {
    throw new Refusal(404, "Airflow does not know this task instance: its run may have been deleted.");
  }
  const mark = JSON.stringify([task.state, task.try_number, task.end_date]);
  if (before?.ended && before.mark === mark) {
    return before;
  }
  const jobs = await xcom("cgc_jobs");
  return { ...judge(task, jobs, jobs === null ? await xcom("cgc_summary") : null), mark };
}

function judge(task, jobs, summary) {
  const state = asText(task.state);
  const ended = ENDED.has(state);
  const say = (kind, text) => ({ state: kind, text, ended });
  const stored = parse(jobs ?? summary);
  if (jobs !== null || summary !== null) {
    if (!isObject(stored)) {
      return say(
        "error",
        "What this task wrote about its jobs cannot be read here. Its log tells what became of them.",
      );
    }
    if (stored.version > VERSION) {
      return say(
        "error",
        "This task wrote about its jobs in a newer form than this tab knows: upgrade airflow-provider-cgc where " +
          "Airflow's API server runs. Until then the task's log tells what became of them.",
      );
    }
    if (jobs === null) {
      const text = Array.isArray(stored.causes)
        ? "This task has not waited for its jobs: its log tells why. This is its summary."
        : "This task ran with an older release of the provider, which kept no list of its jobs. This is its summary.";
      return { ...say("older", text), snapshot: fromSummary(stored), taskState: state };
    }
    if (!isObject(stored.counts)) {
      return say("error", "What this task wrote about its jobs is not complete. Its log tells what became of them.");
    }
    const beat = Date.parse(asText(task.triggerer_job?.latest_heartbeat)) / 1000;
    return { ...say("ready", ""), snapshot: readSnapshot(stored), taskState: state, triggerer: asTime(beat) };
  }
  const operator = asText(task.operator_name) || asText(task.operator);
  if (operator && !operator.startsWith("Cgc")) {
    return say("foreign", `There is nothing to show: this task (${visible(operator)}) has no jobs on the CGC.`);
  }
  return say("empty", nothingYet(state, ended));
}

// Written by Airflow's own XCom class it comes as JSON in a string, pushed by a task as the value itself.
function parse(value) {
  if (typeof value !== "string") {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

function nothingYet(state, ended) {
  if (ended) {
    return `This task has ended (${visible(state)}) and left nothing about jobs. Its log tells why.`;
  }
  if (["running", "deferred", "up_for_reschedule"].includes(state)) {
    return "There are no jobs to show yet. They appear here when the platform has been asked for the first time.";
  }
  return "This task has not started yet. Its jobs will appear here.";
}

function trouble({ status, message }) {
  if (status === 401) {
    return { denied: true, text: "Your session has ended: load the page again to sign in to Airflow." };
  }
  if (status === 403) {
    const text = "You may not see the jobs of this task: ask an admin of Airflow for the right to read its XComs.";
    return { denied: true, text };
  }
  return { denied: false, text: message || `Airflow could not tell about the jobs (HTTP ${status}).` };
}

// Look again and again while the page is seen and the task goes on, one look at a time, less often while looks fail.
// After the end a page that is left open asks nothing more. But whoever clears the task or signs in again does so by
// pressing something here, or somewhere else and then comes back: that is followed by a look, which costs one request
// where nothing has happened.
function useLooks({ dagId, runId, taskId, mapIndex }) {
  const [found, setFound] = useState({ view: null, problem: null });
  const now = useRef(null);
  useEffect(() => {
    const stop = new AbortController();
    let asking = stop; // ends the requests under way
    let view = null;
    let looking = null; // the look under way
    let timer = 0;
    let next = 0; // ms since 1970, when a look is due by itself
    let stirred = 0; // ... and when one is due after what the viewer did
    let last = 0; // when the last one ended
    let failed = 0;
    const look = (before) => {
      clearTimeout(timer);
      looking ??= once(before).finally(() => {
        last = Date.now();
        looking = null;
        plan();
      });
      return looking;
    };
    const once = async (before) => {
      asking = new AbortController();
      const late = setTimeout((one) => one.abort(), PATIENCE, asking);
      next = stirred = Infinity;
      try {
        view = await ask({ dagId, runId, taskId, mapIndex }, before, asking.signal);
        failed = 0;
        next = view.ended ? Infinity : Date.now() + (view.state === "foreign" ? 3 * EVERY : EVERY);
        setFound({ view, problem: null });
      } catch (error) {
        if (stop.signal.aborted) {
          return;
        }
        if (!(error instanceof Refusal)) {
          setFound(() => {
            throw error; // a mistake of ours: `Safe` shows it
          });
          return;
        }
        failed += 1;
        next = Date.now() + Math.min(EVERY * 2 ** failed, SLOWEST);
        view = error.status === 403 ? null : view; // what is there stays, unless it may not be seen any more
        setFound({ view, problem: trouble(error) });
      } finally {
        clearTimeout(late);
      }
    };
    const plan = () => {
      clearTimeout(timer);
      const due = Math.min(next, stirred);
      if (due < Infinity && !looking && !document.hidden && !stop.signal.aborted) {
        timer = setTimeout(() => look(view), Math.max(0, due - Date.now()));
      }
    };
    const stir = () => {
      stirred = Math.max(Date.now() + MOMENT, last + EVERY);
      plan();
    };
    for (const sign of ["visibilitychange", "focus", "click"]) {
      globalThis.addEventListener(sign, stir, { capture: true, signal: stop.signal });
    }
    now.current = () => look(null);
    look(null);
    return () => {
      stop.abort();
      asking.abort();
      clearTimeout(timer);
    };
  }, [dagId, runId, taskId, mapIndex]);
  return { ...found, refresh: () => now.current() };
}

// --- words

const number = (value) => value.toLocaleString("en");
const short = (value) => number(Number(value.toFixed(value < 9.95 ? 1 : 0))); // two digits, or all before the point
const many = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${short(value)} ${units[unit]}`;
}

function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days) {
    return `${number(days)} d ${hours} h`;
  }
  return hours ? `${hours} h ${minutes} min` : minutes >= 3 ? `${minutes} min` : `${whole} s`;
}

// The time zone that the user has chosen in Airflow's UI; the browser's own if there is none.
function timeZone() {
  try {
    const zone = JSON.parse(localStorage.getItem("timezone"));
    return new Intl.DateTimeFormat("sv", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

const zoneName = () => timeZone() ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
const wallClock = (at) => new Date(at * 1000).toLocaleString("sv", { timeZone: timeZone() }); // 2026-11-24 14:05:00

// `now` is for what goes on: after the end nothing is drawn anew, and "5 s ago" would soon be wrong.
function Time({ at, now = null }) {
  const ago = now === null ? "" : ` (${lasting(now - at)} ago)`;
  return h("time", { dateTime: new Date(at * 1000).toISOString() }, wallClock(at) + ago);
}

const clock = () => new Date().toLocaleTimeString("sv", { timeZone: timeZone() });

function headline({ word, total, volume }) {
  const way = { export: "to", import: "from" }[word];
  return many(total, word) + (volume && way ? ` ${way} ${visible(volume)}` : "");
}

function badWords({ failed, missing }) {
  return [failed && `${number(failed)} failed`, missing && `${number(missing)} unknown to the platform`]
    .filter(Boolean)
    .join(", ");
}

function verdict(view) {
  const { snapshot, taskState } = view;
  const { outcome, ended, total, counts, word } = snapshot;
  const bad = badWords(counts);
  if (outcome === "failed" && counts.not_seen) {
    return `Nothing was sent: of ${many(total, word)}, ${bad || "none failed"}, ${number(counts.not_seen)} not sent.`;
  }
  const open = total - ended;
  const still = open ? ` ${many(open, word)} had not ended and may still run on the platform.` : "";
  const told = {
    completed: wentWell(snapshot),
    failed: `The wait is over: of ${many(total, word)}, ${bad || "none failed"}.${still}`,
    timeout: `The task's timeout came first.${still}${bad ? ` Until then: ${bad}.` : ""}`,
    error: `The wait broke off with an error, which the task's log names.${still}`,
  };
  told.execution_timeout = told.timeout;
  if (Object.hasOwn(told, outcome)) {
    const skips = taskState === "skipped" ? " Airflow has skipped the task (soft_fail or never_fail)." : "";
    return told[outcome] + skips + (AGAIN.has(taskState) ? " The task will run again." : "");
  }
  if (ENDED.has(taskState)) {
    return `The task has ended (${taskState}) without a last word about its jobs: this is the last that is known.`;
  }
  const seconds = silence(snapshot);
  const late = seconds === null || staleness(view) ? "" : ` Nothing new for ${lasting(seconds)}.`;
  return `${number(ended)} of ${many(total, word)} ended${bad ? `, of them ${bad}` : ""}.${late}`;
}

function wentWell({ total, counts, word }) {
  const bad = badWords(counts);
  if (!total) {
    return `There were no ${word}s: nothing had to be done.`;
  }
  const skipped = counts.skipped ? `, ${number(counts.skipped)} skipped` : "";
  const done = `${number(counts.completed)} of ${many(total, word)} completed${skipped}`;
  return bad ? `${done}, ${bad}: the task tolerates that.` : `All ended well: ${done}.`;
}

// Seconds since the last news, null while it is too early to wonder: three looks, and some minutes at least.
function silence({ at, interval, ended, total, counts }) {
  const seconds = at === null ? 0 : present() - at;
  const least = ended === 0 && counts.not_seen === total ? FIRST_QUIET : QUIET;
  return seconds > Math.max(least, 3 * (interval ?? 60)) ? seconds : null;
}

// What to think of it that a wait is silent. A triggerer writes only what has changed, so that its heart is asked
// for; a worker writes now and then in any case.
function staleness(view) {
  const { snapshot, taskState, triggerer } = view;
  const seconds = isOver(view) ? null : silence(snapshot);
  if (seconds === null) {
    return "";
  }
  const looks = `No news for ${lasting(seconds)}, and the platform should be asked every ${lasting(snapshot.interval ?? 60)}`;
  const then = "What you see is as of then.";
  if (taskState !== "deferred") {
    return `${looks}: are Airflow's scheduler and the task's worker running? ${then}`;
  }
  const beat = triggerer === null ? null : present() - triggerer;
  if (beat !== null && beat < BEATS) {
    return "";
  }
  const last = beat === null ? "None has this wait." : `The one that had this wait was last heard of ${lasting(beat)} ago.`;
  return `${looks}: is a triggerer running? ${last} ${then}`;
}

// --- links: a known origin, and path segments that cannot be anything else

function pathOf(text, parts) {
  const names = text.split("/");
  const good = names.every((name) => name && name !== "." && name !== ".." && visible(name) === name);
  return good && names.length === parts ? names.map(encodeURIComponent).join("/") : null;
}

function linksOf({ web, project, volume, task }) {
  if (!web) {
    return [];
  }
  const [inProject, inVolume, inTask] = [pathOf(project, 2), pathOf(volume, 2), pathOf(task, 1)];
  return [
    inProject && ["Project", project, `${web}/u/${inProject}`],
    inVolume && ["Volume", volume, `${web}/v/${inVolume}`], // as in `links.py`
    inProject && inTask && ["Task", task, `${web}/u/${inProject}/tasks/${inTask}`],
  ].filter(Boolean);
}

function Away({ href, children }) {
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer" },
    children,
    h("span", { "aria-hidden": true }, " \u2197"),
    h("span", { className: "cgc-unseen" }, " (opens in a new tab)"),
  );
}

// --- taking it along

function csv(rows) {
  const time = (at) => (at === null ? "" : new Date(at * 1000).toISOString());
  const cell = (value) => {
    const text = String(value ?? "");
    // A table program would take it for a formula, the wide forms of these signs too.
    const harmless = /^[\s\p{Cc}]*[=+\-@\uff0b\uff0d\uff1d\uff20]|^[\t\r]/u.test(text) ? `'${text}` : text;
    return `"${harmless.replaceAll('"', '""')}"`;
  };
  const lines = rows.map((row) =>
    COLUMNS.map((name) => cell(name === "since" || name === "ended" ? time(row[name]) : row[name])),
  );
  return [COLUMNS, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// Airflow is often served by plain http, where the browser hides its clipboard from pages: then the old way.
async function copy(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text);
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "cgc-unseen";
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  if (!done) {
    throw new Error("not copied");
  }
}

// --- what is seen

function Progress({ snapshot }) {
  const { counts, ended, total, word } = snapshot;
  const percent = total ? Math.floor((100 * ended) / total) : 0;
  const part = (name, count) =>
    count > 0 && h("span", { key: name, className: `cgc-fill-${name}`, style: { width: `${(100 * count) / total}%` } });
  const text = `${number(ended)} of ${many(total, word)} ended`;
  return h(
    "div",
    { className: "cgc-progress" },
    h(
      "div",
      {
        className: "cgc-bar",
        role: "progressbar",
        "aria-label": `Progress of the ${word}s`,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuenow": percent,
        "aria-valuetext": text,
      },
      part("completed", counts.completed + counts.skipped),
      part("failed", counts.failed + counts.missing),
      part("running", counts.running),
    ),
    h("span", { className: "cgc-percent", "aria-hidden": true }, `${percent} %`),
  );
}

// --- the chart: how many jobs were in which state, by the clock

const DAY = 86_400;
const STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY]; // seconds
const MOST_TIMES = 8; // on the axis, or one more; in a narrow window every other one
const MOST_LINES = 4; // above the one at 0

// Seconds by which the clock on the user's wall is ahead of UTC at a time.
const offset = (at) => Date.parse(`${wallClock(at).replace(" ", "T")}Z`) / 1000 - Math.floor(at);

// The times in between at which that clock shows something round, also if it is put forward or back on the way.
function roundTimes(from, to) {
  const span = to - from;
  const step = STEPS.find((one) => span / one <= MOST_TIMES) ?? DAY * Math.ceil(span / DAY / MOST_TIMES);
  const first = Math.ceil((from + offset(from)) / step) * step;
  const shown = Array.from({ length: MOST_TIMES + 2 }, (_, index) => first + index * step);
  const times = shown.map((wall) => wall - offset(wall - offset(from)));
  return { step, times: times.filter((at, index) => at >= from && at <= to && !(at <= times[index - 1])) };
}

// "14:00", and below it the day: at each time if there are several days, else at the first. Midnights are days alone.
function labelsOf({ step, times }) {
  const days = times.map((at) =>
    new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: timeZone() }),
  );
  const clocks = times.map((at) => wallClock(at).slice(11, step < 60 ? 19 : 16));
  return times.map((at, index) => ({
    at,
    lines: [step < DAY && clocks[index], (index === 0 || days[0] !== days.at(-1)) && days[index]].filter(Boolean),
  }));
}

function roundCounts(most) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(most)) - 1);
  const step = [1, 2, 5, 10, 20, 50].map((one) => one * power).find((one) => most / one <= MOST_LINES);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

function Chart({ snapshot }) {
  const { history, since, counts, word } = snapshot;
  const [from, to] = history.length < 2 ? [] : [since + history[0][0], since + history.at(-1)[0]];
  if (since === null || asTime(to) === null || asTime(to - from) === null) {
    return null;
  }
  const layers = {
    completed: counts.skipped ? "completed or skipped" : "completed",
    failed: counts.missing ? "failed or unknown" : "failed",
    running: "running",
    pending: "waiting",
  };
  const most = Math.max(1, ...history.map((point) => point[1] + point[2] + point[3] + point[4]));
  const x = (at) => (100 * (at - from)) / (to - from);
  const y = (count) => 100 - (100 * count) / most;
  const edges = history.map(([time, ...parts]) => {
    let sum = 0;
    return { x: x(since + time), y: [0, ...parts].map((count) => y((sum += count))) };
  });
  const corner = (edge, layer) => `${edge.x.toFixed(2)},${edge.y[layer].toFixed(2)}`;
  const labels = labelsOf(roundTimes(from, to));
  const lines = roundCounts(most);
  const at = (side, percent) => ({ [side]: `${percent.toFixed(2)}%` });
  const last = Object.values(layers).map((name, index) => `${number(Math.floor(history.at(-1)[index + 1]))} ${name}`);
  return h(
    "figure",
    { className: "cgc-chart", dir: "ltr" },
    h(
      "figcaption",
      { className: "cgc-quiet" },
      `${word[0].toUpperCase()}${word.slice(1)}s by state, from ${wallClock(from)} to ${wallClock(to)} (${zoneName()})`,
    ),
    h(
      "div",
      { className: "cgc-scale", "aria-hidden": true },
      lines.map((count) => h("span", { key: count, style: at("top", y(count)) }, number(count))),
      h("span", null, number(lines.at(-1))), // unseen: it makes the room for the others
    ),
    h(
      "svg",
      {
        "data-cgc": "chart",
        role: "img",
        "aria-label": `The number of ${word}s in each state over ${lasting(to - from)}; at the end ${last.join(", ")}`,
        viewBox: "0 0 100 100",
        preserveAspectRatio: "none",
      },
      Object.keys(layers).map((name, layer) => {
        const top = edges.map((edge) => corner(edge, layer + 1));
        const bottom = edges.map((edge) => corner(edge, layer)).reverse();
        return h("polygon", { key: name, className: `cgc-area-${name}`, points: [...top, ...bottom].join(" ") });
      }),
      h("path", {
        className: "cgc-lines",
        d: [
          ...lines.map((count) => `M0 ${y(count).toFixed(2)}H100`),
          ...labels.map((label) => `M${x(label.at).toFixed(2)} 0V100`),
        ].join(""),
      }),
    ),
    h(
      "div",
      { className: "cgc-axis", "data-cgc": "axis", "aria-hidden": true },
      labels.map((label) =>
        h(
          "span",
          { key: label.at, style: at("left", x(label.at)) },
          label.lines.map((line) => h("span", { key: line }, line)),
        ),
      ),
    ),
    h(ChartTable, { history, since, layers, times: [from, ...labels.map((label) => label.at), to] }),
  );
}

// The same in numbers: of the last look before each time on the axis.
function ChartTable({ history, since, layers, times }) {
  const rows = [...new Set(times.map((time) => history.findLast((point) => since + point[0] <= time) ?? history[0]))];
  return h(
    "details",
    { "data-cgc": "chart-table" },
    h("summary", null, "The chart in numbers"),
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h("tr", null, ["time", ...Object.values(layers)].map((name) => h("th", { key: name, scope: "col" }, name))),
      ),
      h(
        "tbody",
        null,
        rows.map(([time, ...parts]) =>
          h(
            "tr",
            { key: time },
            h("th", { scope: "row" }, h(Time, { at: since + time })),
            parts.map((count, index) => h("td", { key: index }, number(Math.floor(count)))),
          ),
        ),
      ),
    ),
  );
}

// --- the rest: numbers, causes and jobs, and the tab that holds all

function Counts({ counts, outcome, chosen, choose }) {
  const word = (name) => (outcome === "failed" && name === "not_seen" ? "not sent" : COUNTS[name]);
  const shown = Object.keys(COUNTS).filter((name) => ALWAYS.has(name) || counts[name] > 0 || chosen === name);
  return h(
    "div",
    { className: "cgc-counts", role: "group", "aria-label": "Show only jobs that are" },
    shown.map((name) =>
      h(
        "button",
        {
          key: name,
          type: "button",
          "data-cgc": "count",
          "data-count": name,
          "aria-pressed": chosen === name,
          onClick: () => choose(chosen === name ? null : name),
        },
        h("span", { className: `cgc-dot cgc-fill-${name}`, "aria-hidden": true }),
        h("strong", null, number(counts[name])),
        ` ${word(name)}`,
      ),
    ),
  );
}

function Facts({ snapshot, now, fresh }) {
  const { at, since, bytes, bytesTotal, byteRate, jobRate, eta, interval, requests, refused } = snapshot;
  const sizes = bytes || !snapshot.rows.some((row) => row.group === "completed" && row.size === null);
  const speed = sizes && byteRate !== null && `${size(byteRate)}/s`;
  const rates = [speed, jobRate !== null && perMinute(jobRate)].filter(Boolean);
  const { web, project, volume, task } = snapshot;
  const unlinked = web ? [] : Object.entries({ Project: project, Volume: volume, Task: task });
  const refusals = refused ? `, ${number(refused)} refused by the rate limit` : "";
  const facts = [
    ["Data", sizes && bytes !== null && (bytesTotal !== null ? `${size(bytes)} of ${size(bytesTotal)}` : size(bytes))],
    ["Rate", fresh && rates.join(", ")],
    ["Time left", fresh && eta !== null && eta >= 0 && left(at, eta)],
    ["Waiting since", since !== null && h(Time, { at: since })],
    ["As of", at !== null && h(Time, { at, now })],
    ["Asked", interval !== null && `every ${lasting(interval)}`],
    ["Requests", requests !== null && `${number(requests)}${refusals}`],
    ...unlinked.map(([name, text]) => [name, text && h("bdi", null, visible(text))]),
    ["Manifest", snapshot.manifest && h("bdi", null, visible(snapshot.manifest))],
  ];
  const known = facts.filter(([, fact]) => fact);
  return (
    known.length > 0 &&
    h(
      "dl",
      { "data-cgc": "facts" },
      known.map(([name, fact]) => h("div", { key: name }, h("dt", null, name), h("dd", null, fact))),
    )
  );
}

const perMinute = (rate) => (rate >= 1 / 60 ? `${short(60 * rate)} jobs/min` : `${short(3600 * rate)} jobs/h`);

function left(at, eta) {
  const about = `about ${lasting(eta)}`;
  const end = at === null ? null : asTime(at + eta);
  return end === null ? about : [`${about} (`, h(Time, { key: "end", at: end }), ")"];
}

// What a person calls the file: its name, or the last part of its key.
const titleOf = (row) => row.name || row.location.replace(/\/+$/, "").split("/").at(-1) || row.file;

function Row({ row, now }) {
  const title = titleOf(row);
  const id = (name, text) =>
    text && h("span", { className: "cgc-quiet cgc-id" }, `${name} `, h("bdi", { className: "cgc-code" }, visible(text)));
  return h(
    "tr",
    { role: "row", "data-row": row.id, "data-group": row.group },
    h(
      "td",
      { role: "cell" },
      h(
        "span",
        { className: "cgc-state" },
        h("span", { className: `cgc-dot cgc-fill-${row.group}`, "aria-hidden": true }),
        COUNTS[row.group],
      ),
    ),
    h(
      "td",
      { role: "cell" },
      h("bdi", { className: "cgc-name", "data-cgc": "name" }, visible(title) || "\u2013"),
      title !== row.file && id("file", row.file),
      ...row.own.map(([name, text]) => id(name, text)),
      id("job", row.id),
    ),
    h(
      "td",
      { role: "cell" },
      h("bdi", { className: "cgc-name" }, visible(row.location) || "\u2013"),
      h("bdi", { className: "cgc-quiet" }, visible(row.volume)),
    ),
    h("td", { role: "cell" }, h(Story, { row, now })),
  );
}

const aboutCode = (code) =>
  code !== null && Number.isSafeInteger(code) && code >= 0 ? `${CODES_PAGE}#${code}` : CODES_PAGE;

// Why jobs failed: each cause with its number, the platform's words, and once for each code what to do.
function Causes({ causes }) {
  const first = (cause, index) => causes.findIndex((one) => one.code === cause.code) === index;
  return (
    causes.length > 0 &&
    h(
      "section",
      { "data-cgc": "causes", className: "cgc-causes", "aria-label": "Why jobs failed" },
      h("h3", null, "Why jobs failed"),
      h(
        "ol",
        null,
        causes.map((cause, index) =>
          h(
            "li",
            { key: index, "data-cgc": "cause" },
            h(
              "p",
              null,
              h("strong", null, `${number(cause.count)} \u00d7 `),
              cause.code !== null && h("strong", null, `${cause.code} `),
              h("bdi", null, visible(cause.message) || NO_REASON),
            ),
            cause.remedy && first(cause, index) && h("p", { className: "cgc-quiet" }, visible(cause.remedy)),
            cause.code !== null &&
              first(cause, index) &&
              h("p", null, h(Away, { href: aboutCode(cause.code) }, `About error ${cause.code}`)),
          ),
        ),
      ),
    )
  );
}

// Rather nothing than something that does not hold now.
function AfterClear({ snapshot: { afterClear, outcome }, taskState }) {
  const { text, running } = afterClear;
  const holds = running === null || outcome || running === (taskState === "running");
  return text && holds && h("p", { "data-cgc": "after-clear" }, visible(text));
}

// What became of one job: the platform's words and ours are kept apart.
function Story({ row, now }) {
  if (row.group === "failed" || row.group === "missing") {
    return h(
      "p",
      null,
      row.code !== null && h(Away, { href: aboutCode(row.code) }, h("strong", null, row.code)),
      row.code !== null && " ",
      h("bdi", null, visible(row.message) || NO_REASON),
    );
  }
  if (row.group === "completed") {
    const told = [
      row.size !== null && size(row.size),
      row.ended !== null && h(Time, { key: "ended", at: row.ended, now }),
    ];
    return told.filter(Boolean).flatMap((one, index) => (index ? [", ", one] : [one]));
  }
  if (row.since === null || row.group === "not_found") {
    return row.group === "pending" ? "not started" : COUNTS[row.group];
  }
  // Nobody knows how long something has been going on by a clock that is ahead, or where news has stopped.
  const going = now !== null && now >= row.since;
  return going ? `for ${lasting(now - row.since)}` : ["since ", h(Time, { key: "since", at: row.since })];
}

function Table({ snapshot, now, chosen, find }) {
  const rows = shownRows(snapshot, chosen, find);
  const nothing =
    snapshot.rows.length === 0
      ? "No single jobs are listed."
      : find
        ? "No listed job matches the search."
        : `No ${chosen ? COUNTS[chosen] : ""} job is listed.`;
  const head = ["State", "File and job", "Location", "What happened"];
  return h(
    React.Fragment,
    null,
    h(
      "div",
      { className: "cgc-box" },
      h(
        "table",
        { "data-cgc": "rows", role: "table", "aria-label": "Jobs, failures first" },
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            head.map((name) => h("th", { key: name, role: "columnheader", scope: "col" }, name)),
          ),
        ),
        h(
          "tbody",
          { role: "rowgroup" },
          rows.map((row) => h(Row, { key: row.key, row, now })),
          rows.length === 0 &&
            h("tr", { role: "row" }, h("td", { role: "cell", colSpan: head.length, className: "cgc-quiet" }, nothing)),
        ),
      ),
    ),
    h(
      "p",
      { className: "cgc-quiet" },
      h("span", { role: "status" }, `${number(rows.length)} of ${number(snapshot.rows.length)} rows.`),
      listed(snapshot),
    ),
  );
}

function listed({ rows, total, cut, manifest, older }) {
  if (rows.length >= total) {
    return "";
  }
  const which = older
    ? "the first failures"
    : "the first failures, those that run longest and those that completed last";
  const less = cut ? " Some were left out for their size." : "";
  const all = manifest ? " The manifest has all of them." : "";
  return ` Listed are ${which}; the numbers above count all ${number(total)} jobs.${less}${all}`;
}

function shownRows(snapshot, chosen, find) {
  const wanted = find.trim().toLowerCase();
  const texts = (row) =>
    [row.id, row.file, titleOf(row), row.volume, row.location, row.message, row.code ?? "", row.own]
      .join("\n")
      .toLowerCase();
  return snapshot.rows.filter((row) => (!chosen || row.group === chosen) && (!wanted || texts(row).includes(wanted)));
}

function Jobs({ view, title }) {
  const { snapshot } = view;
  const [chosen, setChosen] = useState(null);
  const [find, setFind] = useState("");
  const [said, setSaid] = useState("");
  const now = isOver(view) ? null : present();
  const fresh = now !== null && staleness(view) === "";
  const failed = snapshot.rows.filter((row) => row.id && (row.group === "failed" || row.group === "missing"));
  const copyFailed = async () => {
    const some = `${number(failed.length)} of ${number(snapshot.counts.failed + snapshot.counts.missing)}`;
    try {
      await copy(failed.map((row) => row.id).join("\n"));
      setSaid(`Copied the ids of ${some} failed jobs at ${clock()}.`); // the time: a second press is told, too
    } catch {
      setSaid("The browser did not allow to copy.");
    }
  };
  // Without the mark at its begin Excel takes UTF-8 for something else.
  const download = () => save(`\ufeff${csv(shownRows(snapshot, chosen, find))}`, `${title}.csv`);
  const links = linksOf(snapshot);
  return h(
    React.Fragment,
    null,
    links.length > 0 &&
      h(
        "nav",
        { "data-cgc": "links", "aria-label": "On the platform" },
        links.map(([name, id, href]) => h(Away, { key: name, href }, `${name} `, h("bdi", null, visible(id)))),
      ),
    h(Progress, { snapshot }),
    h(Chart, { snapshot }),
    h(Counts, { counts: snapshot.counts, outcome: snapshot.outcome, chosen, choose: setChosen }),
    h(Causes, snapshot),
    h(AfterClear, view),
    h(Facts, { snapshot, now, fresh }),
    h(
      "div",
      { className: "cgc-tools" },
      h("input", {
        type: "search",
        "aria-label": "Search the listed jobs",
        placeholder: "Search file, location, id, message",
        value: find,
        onChange: (event) => setFind(event.target.value),
      }),
      h(
        "button",
        { type: "button", "data-cgc": "copy-failed", disabled: failed.length === 0, onClick: copyFailed },
        "Copy failed ids",
      ),
      h(
        "button",
        { type: "button", "data-cgc": "download", disabled: snapshot.rows.length === 0, onClick: download },
        "Download CSV",
      ),
      h("span", { className: "cgc-quiet", role: "status" }, said),
    ),
    h(Table, { snapshot, now: fresh ? now : null, chosen, find }),
  );
}

const isOver = ({ snapshot, taskState }) => Boolean(snapshot.outcome) || ENDED.has(taskState);

// For ears: not every number that changes, but each failure, each tenth of the way, and the end.
function announcement(view) {
  const { counts, ended, total, word } = view.snapshot;
  if (isOver(view)) {
    return verdict(view);
  }
  const tenths = total ? Math.floor((10 * ended) / total) : 0;
  return `${tenths * 10} percent of ${many(total, word)} ended, ${badWords(counts) || "none failed"}.`;
}

function Tab(props) {
  const { view, problem, refresh } = useLooks(props);
  const [asked, setAsked] = useState("");
  const state = view?.state ?? (problem ? (problem.denied ? "denied" : "error") : "loading");
  const text = view?.text ?? problem?.text ?? "Looking for the jobs of this task \u2026";
  const map = /^\d+$/.test(props.mapIndex ?? "") ? `-${props.mapIndex}` : "";
  const stale = state === "ready" ? staleness(view) : "";
  const press = async () => {
    await refresh();
    setAsked(`Looked again at ${clock()}.`); // also where nothing else has changed
  };
  return h(
    "section",
    {
      className: "cgc-tab",
      "data-cgc": "tab",
      "data-state": state,
      "aria-label": NAME,
      // Airflow 3.3 takes the space bar away from every button of the page.
      onKeyDown: (event) => event.key === " " && event.stopPropagation(),
    },
    h("p", { className: "cgc-unseen", role: "status" }, state === "ready" ? announcement(view) : ""),
    h(
      "div",
      { role: "status" },
      view &&
        problem &&
        h(
          "p",
          { className: "cgc-notice", "data-cgc": "notice" },
          `${problem.text} What you see is older; the next try comes by itself.`,
        ),
      stale && !problem && h("p", { className: "cgc-notice", "data-cgc": "silence" }, stale),
    ),
    h(
      "header",
      null,
      h(
        "div",
        null,
        view?.snapshot && h("h2", null, headline(view.snapshot)),
        state === "ready" && h("p", null, verdict(view)),
        state !== "ready" && h("p", { "data-cgc": "message", role: "status" }, text),
      ),
      // The same button in every state, so that it keeps the focus when jobs appear.
      h(
        "div",
        { className: "cgc-tools", hidden: ["loading", "foreign"].includes(state) },
        h("span", { className: "cgc-quiet", role: "status" }, asked),
        h("button", { type: "button", "data-cgc": "refresh", onClick: press }, "Refresh"),
      ),
    ),
    view?.snapshot && h(Jobs, { view, title: `cgc-jobs-${props.dagId}-${props.taskId}${map}` }),
  );
}

// An error of ours stays in the tab: without this React would take down the whole page.
class Safe extends React.Component {
  state = { error: null };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    if (this.state.error === null) {
      return this.props.children;
    }
    return h(
      "section",
      { className: "cgc-tab", "data-cgc": "tab", "data-state": "error", "aria-label": NAME },
      h(
        "p",
        { "data-cgc": "message", role: "status" },
        `The jobs cannot be shown (${visible(asText(this.state.error?.message))}). ` +
          "The task's log tells what became of them.",
      ),
      h("button", { type: "button", "data-cgc": "refresh", onClick: () => this.setState({ error: null }) }, "Refresh"),
    );
  }
}

// --- how it looks: Airflow's own colours, which change with its theme and with dark mode

const SOLID = {
  completed: "success",
  failed: "failed",
  missing: "upstream_failed",
  skipped: "skipped",
  running: "running",
};
const COLOURS = Object.entries(SOLID)
  .map(
    ([name, token]) =>
      `.cgc-fill-${name} { background: var(--chakra-colors-${token}-solid) }\n` +
      `.cgc-area-${name} { fill: var(--chakra-colors-${token}-solid) }`,
  )
  .join("\n");
const CSS = `
.cgc-tab { container-type: inline-size; display: flex; flex-direction: column; align-items: stretch; gap: 1rem;
  padding: 1rem .5rem; min-width: 0; max-width: calc(100vw - 5rem);
  font-size: .875rem; line-height: 1.45; color: var(--chakra-colors-fg) }
.cgc-tab header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem 1rem }
.cgc-tab header > :first-child { flex: 1 1 14rem }
.cgc-tab h2 { font-size: 1.125rem; font-weight: 600; overflow-wrap: anywhere }
.cgc-tab nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem }
.cgc-tab a { color: var(--chakra-colors-fg-info); overflow-wrap: anywhere }
.cgc-tab a:hover { text-decoration: underline }
.cgc-tab button, .cgc-tab input { border: 1px solid var(--chakra-colors-border-emphasized);
  border-radius: var(--chakra-radii-sm); background: var(--chakra-colors-bg);
  color: inherit; font: inherit; padding: .25rem .75rem; min-height: 2rem }
.cgc-tab > button { align-self: flex-start }
.cgc-tab button { cursor: pointer; flex: none }
.cgc-tab button:hover:enabled { background: var(--chakra-colors-bg-muted) }
.cgc-tab button:disabled { opacity: .5; cursor: default }
.cgc-tab button[aria-pressed="true"] { background: var(--chakra-colors-bg-emphasized);
  border-color: var(--chakra-colors-fg-muted) }
.cgc-tab :focus-visible { outline: 2px solid var(--chakra-colors-fg-info); outline-offset: 2px }
.cgc-notice { border-inline-start: 4px solid var(--chakra-colors-warning-solid);
  background: var(--chakra-colors-bg-warning); padding: .5rem .75rem }
.cgc-progress { display: flex; align-items: center; gap: .75rem }
.cgc-percent { font-variant-numeric: tabular-nums }
.cgc-bar { flex: 1; display: flex; height: .75rem; overflow: hidden; border-radius: var(--chakra-radii-sm);
  background: var(--chakra-colors-bg-emphasized) }
.cgc-chart { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .25rem .5rem; padding-inline-end: 1.25rem }
.cgc-chart > figcaption, .cgc-chart > details { grid-column: 1 / -1 }
.cgc-chart > figcaption { margin-bottom: .5rem }
.cgc-chart svg { display: block; width: 100%; height: 8rem; background: var(--chakra-colors-bg-subtle) }
.cgc-lines { stroke: var(--chakra-colors-fg); stroke-opacity: .25; vector-effect: non-scaling-stroke }
.cgc-scale, .cgc-axis { position: relative; font-size: .75rem; line-height: 1.2; white-space: nowrap;
  color: var(--chakra-colors-fg-muted); font-variant-numeric: tabular-nums }
.cgc-scale > :not(:last-child) { position: absolute; right: 0; transform: translateY(-50%) }
.cgc-scale > :last-child { visibility: hidden }
.cgc-axis { grid-column: 2; height: 2.4em }
.cgc-axis > span { position: absolute; display: grid; justify-items: center; transform: translateX(-50%) }
.cgc-chart summary { cursor: pointer; width: fit-content }
.cgc-counts, .cgc-tools:not([hidden]) { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem }
.cgc-tools input { flex: 1 1 14rem; min-width: 0; max-width: 28rem }
.cgc-dot { display: inline-block; width: .625rem; height: .625rem; border-radius: 50%; margin-inline-end: .5rem }
.cgc-fill-pending, .cgc-fill-not_found, .cgc-fill-not_seen { background: var(--chakra-colors-bg-emphasized);
  outline: 1px solid var(--chakra-colors-fg-muted) }
.cgc-area-pending { fill: var(--chakra-colors-bg-emphasized) }
.cgc-tab dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem 1.5rem }
.cgc-tab dt, .cgc-quiet { color: var(--chakra-colors-fg-muted); font-size: .8125rem }
.cgc-tab dd { overflow-wrap: anywhere }
.cgc-box { overflow-x: auto; border: 1px solid var(--chakra-colors-border); border-radius: var(--chakra-radii-sm) }
.cgc-tab table { width: 100%; table-layout: fixed; border-collapse: collapse; text-align: start }
.cgc-tab th { text-align: start; font-weight: 600; background: var(--chakra-colors-bg-subtle) }
.cgc-tab th:first-child { width: 8rem }
.cgc-tab th, .cgc-tab td { padding: .5rem .75rem; vertical-align: top; overflow-wrap: anywhere }
.cgc-tab tbody tr { border-top: 1px solid var(--chakra-colors-border) }
.cgc-tab .cgc-chart table { width: auto; table-layout: auto; font-variant-numeric: tabular-nums }
.cgc-tab .cgc-chart :is(th, td):nth-child(n) { width: auto; padding: .125rem .75rem; text-align: end;
  overflow-wrap: normal }
.cgc-state { white-space: nowrap }
.cgc-name, bdi.cgc-quiet { display: block; text-align: match-parent }
.cgc-tab .cgc-id { display: block; font-size: .6875rem }
.cgc-causes { border: 1px solid var(--chakra-colors-border); border-radius: var(--chakra-radii-sm);
  padding: .75rem }
.cgc-causes h3 { font-weight: 600; margin-bottom: .25rem }
.cgc-causes ol { display: flex; flex-direction: column; gap: .5rem; list-style: none; overflow-wrap: anywhere }
.cgc-code { font-family: var(--chakra-fonts-mono) }
.cgc-unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap }
@container (max-width: 40rem) {
  .cgc-box :is(table, tbody, tr, td, thead, th) { display: block }
  .cgc-box thead { position: absolute; clip-path: inset(50%); width: 1px; overflow: hidden }
  .cgc-box td { padding: .125rem .75rem }
  .cgc-box tr { padding: .5rem 0 }
  .cgc-tab .cgc-chart :is(th, td):nth-child(n) { padding: .125rem .25rem; font-size: .75rem }
  .cgc-axis > :nth-child(even) { visibility: hidden }
}
${COLOURS}`;

// A constructed sheet, because a strict Content-Security-Policy forbids style elements, not these.
try {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
} catch {
  // An old browser: plain, but all there.
}

// The key: another task is another tab, nothing of the one before stays.
globalThis[NAME] = (props) =>
  h(Safe, { key: JSON.stringify([props.dagId, props.runId, props.taskId, props.mapIndex ?? ""]) }, h(Tab, props));
