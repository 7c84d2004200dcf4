//! The rig: the built Worker on workerd, and the sandbox, as child processes on free loopback ports.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub const ADA: &str = "U0ADA";
pub const GRACE: &str = "U0GRACE";
pub const INCIDENTS: &str = "C0INCIDENTS";
const BOT: &str = "U0VEDETTE";
/// Generous: CI machines are slow, and nothing here is a measurement.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub app: String,
    pub slack: String,
    pub state: PathBuf,
    pub log: Arc<Mutex<String>>,
    workerd: Arc<Mutex<Lines>>,
    worker: Child,
    sandbox: Child,
    http: ureq::Agent,
}

/// What a child printed.
#[derive(Default)]
struct Lines(Vec<String>);

/// How a rig differs from the usual.
#[derive(Default)]
pub struct Setup {
    /// Variables beyond the usual, or instead of them.
    pub variables: Vec<(&'static str, String)>,
    /// The hosted Sentry and Slack under their real names, both played by the sandbox.
    pub hosted: bool,
    /// Rate limits, as `wrangler.toml` has them.
    pub limits: bool,
    /// [`Rig::wasm_memory`] can be asked.
    pub wasm_memory: bool,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A port that nobody listens on. It is below those that the system hands out by itself (from 32768 on Linux, from 49152
/// elsewhere): one of them may become somebody's connection before it is used, or while workerd is down.
fn free_port() -> u16 {
    let random = || u16::try_from(RandomState::new().build_hasher().finish() % 20_000).unwrap();
    let mut ports = std::iter::repeat_with(|| 10_000 + random());
    ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// The sandbox's program, beside this test's own.
fn sandbox_program() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let program = target.parent().and_then(|deps| deps.parent()).unwrap().join("vedette-sandbox");
    assert!(program.exists(), "build the sandbox first: cargo build -p vedette-sandbox");
    program
}

/// Collects what a child prints.
fn listen(stream: impl std::io::Read + Send + 'static, to: Arc<Mutex<Lines>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            to.lock().unwrap().0.push(line);
        }
    });
}

impl Rig {
    pub fn start() -> Rig {
        Rig::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Rig {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Where memory is measured, no disk takes part: thousands of objects are made.
        let in_memory = Some(PathBuf::from("/dev/shm")).filter(|folder| setup.wasm_memory && folder.is_dir());
        let folder = in_memory.unwrap_or_else(std::env::temp_dir);
        let state = folder.join(format!("vedette-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&state);
        std::fs::create_dir_all(&state).unwrap();
        let port = free_port();
        let app = format!("http://127.0.0.1:{port}");

        let mut sandbox = Command::new(sandbox_program())
            .args([
                "--port",
                "0",
                "--sentry-port",
                "0",
                "--app",
                &app,
                "--retry-delays",
                "0,1000,10000",
                "--with-parent",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let origin =
            |name: &str| ready.split(&format!("{name}=")).nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let (slack, sentry) = (origin("slack"), origin("sentry"));

        let mut variables = json!({
            "BASE_URL": app,
            "SENTRY_HOST": sentry,
            "SLACK_API_URL": format!("{slack}/api"),
            "SENTRY_CLIENT_ID": "sandbox-client-id",
            "SENTRY_CLIENT_SECRET": "sandbox-client-secret",
            "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
            "SLACK_BOT_TOKEN": "xoxb-sandbox-bot-token",
            "COOKIE_SECRET": "a-cookie-secret-for-tests-0123456789",
        });
        if setup.hosted {
            variables["SENTRY_HOST"] = "sentry.io".into();
        }
        for (name, value) in setup.variables {
            variables[name] = value.into();
        }
        std::fs::write(state.join("variables.json"), variables.to_string()).unwrap();

        let mut command = Command::new(root().join("node_modules/.bin/node"));
        command
            .current_dir(root())
            .arg("tests/worker.mjs")
            .args(["--port", &port.to_string(), "--persist"])
            .arg(state.join("kept"))
            .arg("--vars")
            .arg(state.join("variables.json"));
        if setup.hosted {
            command.args(["--upstream", &slack]);
        }
        if setup.limits {
            command.arg("--limits");
        }
        if setup.wasm_memory {
            command.arg("--wasm-memory");
        }
        let mut worker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (workerd, errors) = (Arc::<Mutex<Lines>>::default(), Arc::<Mutex<Lines>>::default());
        listen(worker.stdout.take().unwrap(), Arc::clone(&workerd));
        listen(worker.stderr.take().unwrap(), Arc::clone(&errors));
        let log = Arc::new(Mutex::new(String::new()));
        {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                loop {
                    for line in std::mem::take(&mut errors.lock().unwrap().0) {
                        log.lock().unwrap().push_str(&format!("{line}\n"));
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let rig = Rig { app, slack, state, log, workerd, worker, sandbox, http };
        until("workerd is up", || rig.starts() >= 1);
        rig
    }

    // ---- The Worker ----

    fn starts(&self) -> usize {
        self.workerd.lock().unwrap().0.iter().filter(|line| line.starts_with("ready")).count()
    }

    /// Kills workerd without a warning, and waits until it is up again with the same storage.
    pub fn kill(&self) {
        let before = self.starts();
        let pid = {
            let lines = self.workerd.lock().unwrap();
            lines.0.iter().rev().find_map(|line| line.strip_prefix("workerd ")).unwrap().to_owned()
        };
        // The shell's own `kill`: a small machine has no program of that name.
        assert!(Command::new("sh").args(["-c", r#"kill -9 "$0""#, &pid]).status().unwrap().success());
        until("workerd is up again", || self.starts() > before);
    }

    /// How many bytes the Worker's module has taken.
    pub fn wasm_memory(&self) -> i64 {
        self.get(&format!("{}/wasm-memory", self.app), &[]).body.parse().unwrap()
    }

    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", url, headers, &[])
    }

    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, url, headers, body).unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    pub fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).map_err(ureq::Error::from)?;
        let mut response = self.http.run(request)?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: response.body_mut().read_to_string().unwrap_or_default(),
        })
    }

    /// Sends the Worker what Slack would: signed.
    pub fn signed(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let at = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
        let signature = vedette_sandbox::signature("sandbox-signing-secret", &at, body.as_bytes());
        let headers = [
            ("content-type", content_type),
            ("x-slack-request-timestamp", at.as_str()),
            ("x-slack-signature", signature.as_str()),
        ];
        self.send("POST", &format!("{}{path}", self.app), &headers, body.as_bytes())
    }

    // ---- The sandbox ----

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox/{path}", self.slack);
        let answer = match method {
            "POST" => self.send(method, &url, &[("content-type", "application/json")], body.to_string().as_bytes()),
            _ => self.send(method, &url, &[], &[]),
        };
        answer.json()
    }

    pub fn fault(&self, fault: Value) {
        self.control("POST", "faults", &fault);
    }

    /// Says something; Slack's fake delivers it, with its retries. Returns the message's `ts`.
    pub fn say(&self, person: &str, channel: &str, text: &str) -> String {
        let said = self.control("POST", "say", &json!({"person": person, "channel": channel, "text": text}));
        said["ts"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    pub fn slash(&self, person: &str, text: &str) -> Value {
        self.control("POST", "slash", &json!({"person": person, "channel": INCIDENTS, "text": text}))
    }

    pub fn world(&self, person: Option<&str>) -> Value {
        let query = person.map(|person| format!("?person={person}")).unwrap_or_default();
        self.control("GET", &format!("state{query}"), &Value::Null)
    }

    /// The bot's messages that `person` sees and that are not deleted, in order.
    pub fn bot_messages(&self, person: Option<&str>) -> Vec<Value> {
        let world = self.world(person);
        let messages = world["messages"].as_array().unwrap();
        messages.iter().filter(|it| it["author"] == BOT && it["deleted"] != true).cloned().collect()
    }

    /// The bot's messages in the thread of `ts` that everybody sees.
    pub fn replies(&self, ts: &str) -> Vec<Value> {
        let all = self.bot_messages(None);
        all.into_iter().filter(|it| it["thread_ts"] == ts && it["private_to"].is_null()).collect()
    }

    /// Waits until the thread of `ts` holds a reply with `text`.
    pub fn wait_for(&self, ts: &str, text: &str) {
        until(&format!("{ts} is answered with {text:?}"), || {
            self.replies(ts).iter().any(|it| it.to_string().contains(text))
        });
    }

    /// The private link that `person` got last.
    pub fn link(&self, person: &str) -> String {
        let prefix = format!("{}/connect/", self.app);
        let mut found = None;
        until("there is a private link", || {
            let messages = self.bot_messages(Some(person));
            found = messages.iter().rev().find_map(|message| {
                let text = message["blocks"].to_string();
                let start = text.find(&prefix)?;
                Some(text.get(start..)?.chars().take_while(|it| *it != '"').collect::<String>())
            });
            found.is_some()
        });
        found.unwrap()
    }

    pub fn sentry_log(&self) -> Vec<Value> {
        let log = self.control("GET", "sentry/log", &Value::Null);
        log.as_array().or(log["requests"].as_array()).cloned().unwrap_or_else(|| panic!("{log}"))
    }

    /// The refresh tokens that Sentry was presented with: `at_ms`, `token` (a fingerprint), `succeeded`.
    pub fn refreshes(&self) -> Vec<Value> {
        self.control("GET", "sentry/log", &Value::Null)["refreshes"].as_array().unwrap().clone()
    }

    /// Somebody, connected, by way of a first question to the app alone that is answered.
    pub fn connect(&self, person: &str, account: &str) -> String {
        let ts = self.say(person, &format!("D{}", person.trim_start_matches('U')), "whoami");
        crate::browser::Browser::new(self).connect(&self.link(person), account);
        self.wait_for(&ts, account);
        ts
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the Worker said:\n{}", self.log.lock().unwrap());
            let answer = self.try_send("GET", &format!("{}/sandbox/sentry/log", self.slack), &[], &[]);
            eprintln!("what Sentry saw:\n{}", answer.map(|it| it.body).unwrap_or_default());
        }
        let slack =
            self.try_send("GET", &format!("{}/sandbox/slack/log", self.slack), &[], &[]).map(|answer| answer.json());
        // Both end when their standard input closes; workerd with its parent.
        drop(self.worker.stdin.take());
        drop(self.sandbox.stdin.take());
        let _ = self.worker.wait();
        let _ = self.sandbox.wait();
        let _ = std::fs::remove_dir_all(&self.state);
        if !std::thread::panicking() {
            let slack = slack.unwrap();
            assert_eq!(
                slack["unhandled"],
                serde_json::json!([]),
                "what the sandbox does not play, no test may ask for"
            );
        }
    }
}

/// Waits for something that is to become true.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}
