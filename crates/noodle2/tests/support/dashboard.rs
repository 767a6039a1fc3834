//! Looking at a page as a person does: a browser without a screen, which runs the page's scripts and takes pictures.
//!
//! It is driven by the DevTools protocol over a pipe: JSON, each message ended by a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a page may take until it shows what it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names of Chromium, the smallest first.
const PROGRAMS: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// A browser with one page, 1400 pixels wide and 900 high. It ends when it is dropped, and when the test is killed: its
/// pipe is closed then.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    noticed: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty page, or none and a loud word where no Chromium is installed.
    pub fn start() -> Option<Self> {
        let Some(program) = PROGRAMS.into_iter().find(|name| is_there(name)) else {
            eprintln!("SKIPPED: this looks at a page, and Chromium is not there");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // The pipe of the protocol is at the descriptors 3 and 4.
        let mut process = Command::new("sh")
            .args([
                "-c",
                r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#,
                "sh",
                program,
            ])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--remote-debugging-pipe",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            .arg("--window-size=1400,900")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut browser = Self {
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()),
            process,
            calls: 0,
            session: None,
            noticed: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        Some(browser)
    }

    /// Sends a token with all that is asked for, as `Authorization: Bearer`.
    pub fn carry_token(&mut self, token: &str) {
        self.call("Network.enable", &json!({}));
        let headers = json!({"headers": {"Authorization": format!("Bearer {token}")}});
        self.call("Network.setExtraHTTPHeaders", &headers);
    }

    /// Opens an address. Returns before the page has got what it shows: see [`Browser::wait_for`].
    pub fn open(&mut self, address: &str) {
        // Another route of the same page alone loads nothing.
        self.call("Page.navigate", &json!({"url": "about:blank"}));
        let opened = self.call("Page.navigate", &json!({"url": address}));
        assert!(opened["errorText"].is_null(), "{address}: {opened}");
    }

    /// Waits until the page shows a text; returns all the text that it shows.
    pub fn wait_for(&mut self, text: &str) -> String {
        let begin = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return shown;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "`{text}` is not shown:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// All text that the page shows.
    pub fn shown(&mut self) -> String {
        let text = self.evaluate("document.body ? document.body.innerText : ''");
        text.as_str().unwrap().to_owned()
    }

    /// Clicks what has this text, and no other, as soon as it is there: the first such thing of the page.
    pub fn click(&mut self, text: &str) {
        self.with(text, "click()");
    }

    /// Clicks what has this text in the row of a table that has another text in it.
    pub fn click_beside(&mut self, row: &str, text: &str) {
        let code = format!(
            "(() => {{ const row = [...document.querySelectorAll('tr')].find((one) => one.innerText.includes({})); \
             const found = [...(row?.querySelectorAll('*') ?? [])] \
             .find((one) => one.innerText?.trim() === {} && one.children.length === 0); \
             found?.click(); return !!found; }})()",
            json!(row),
            json!(text)
        );
        self.until_done(&code, text);
    }

    /// Chooses one of the options of the field with this label, which was empty.
    pub fn choose(&mut self, label: &str, option: &str) {
        let open = format!(
            "(() => {{ const label = [...document.querySelectorAll('label')].find((one) => one.innerText === {}); \
             const button = label?.closest('.MuiAutocomplete-root')?.querySelector('button[aria-label=Open]'); \
             button?.click(); return !!button; }})()",
            json!(label)
        );
        let take = format!(
            "(() => {{ const found = [...document.querySelectorAll('[role=option]')] \
             .find((one) => one.innerText === {}); found?.click(); return !!found; }})()",
            json!(option)
        );
        self.until_done(&open, label);
        self.until_done(&take, option);
    }

    /// Leaves of the paths of source files that are shown their last two parts: the rest is of this machine.
    pub fn shorten_paths(&mut self) {
        self.evaluate(
            r#"(() => { const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (all.nextNode()) { const node = all.currentNode;
            node.data = node.data.replace(/"\/[^"]*\/([^"\/]+\/[^"\/]+\.py)"/g, '"$1"'); } })()"#,
        );
    }

    /// Scrolls until what has this text, and no other, is in the midst of the page, as far as it can be.
    pub fn scroll_to(&mut self, text: &str) {
        self.with(
            text,
            "scrollIntoView({block: 'center', behavior: 'instant'})",
        );
    }

    /// Calls a method of the innermost element with this text.
    fn with(&mut self, text: &str, method: &str) {
        let code = format!(
            "(() => {{ const has = (one) => one.innerText?.trim() === {}; \
             const found = [...document.querySelectorAll('body *')] \
             .find((one) => has(one) && ![...one.children].some(has)); \
             found?.{method}; return !!found; }})()",
            json!(text)
        );
        self.until_done(&code, text);
    }

    /// Tries what is to be done with something of the page until it is there.
    fn until_done(&mut self, code: &str, what: &str) {
        let begin = Instant::now();
        while self.evaluate(code) != json!(true) {
            let shown = self.shown();
            assert!(
                begin.elapsed() < PATIENCE,
                "`{what}` is not there:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What an expression of JavaScript gives in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let arguments = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", &arguments);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// As [`Browser::evaluate`], of an expression that gives a promise: what that comes to.
    pub fn awaited(&mut self, expression: &str) -> Value {
        let arguments =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &arguments);
        let threw = &answer["exceptionDetails"];
        assert!(threw.is_null(), "{threw}");
        answer["result"]["value"].take()
    }

    /// Makes the page this large, as a telephone has it where it is narrow.
    pub fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Lets the page be seen by somebody who wants it light or dark.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Prints the page as PDF; returns how many bytes that has.
    pub fn print(&mut self) -> usize {
        let answer = self.call("Page.printToPDF", &json!({"printBackground": true}));
        answer["data"].as_str().unwrap().len() / 4 * 3
    }

    /// Saves what is seen as a PNG, once nothing on it moves.
    pub fn save(&mut self, picture: &Path) {
        let begin = Instant::now();
        while self.evaluate("document.getAnimations().some((one) => one.playState === 'running' && one.effect.getComputedTiming().iterations < 9)") == json!(true) {
            assert!(begin.elapsed() < PATIENCE, "the page never rests");
            std::thread::sleep(Duration::from_millis(50));
        }
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let mut decode = Command::new("base64")
            .arg("--decode")
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(picture).unwrap())
            .spawn()
            .unwrap();
        let data = answer["data"].as_str().unwrap();
        // Dropped after the write, so that the decoder sees the end.
        decode
            .stdin
            .take()
            .unwrap()
            .write_all(data.as_bytes())
            .unwrap();
        assert!(decode.wait().unwrap().success());
    }

    /// Notes from now on what a page asks for and complains of: see [`Browser::noticed`].
    pub fn watch(&mut self) {
        for domain in ["Network.enable", "Log.enable", "Runtime.enable"] {
            self.call(domain, &json!({}));
        }
    }

    /// What was noticed since it was last asked: `request ADDRESS`, and `complaint TEXT` for errors of scripts and what
    /// the page's policy forbade.
    pub fn noticed(&mut self) -> Vec<String> {
        // What came before this answer has been read with it.
        self.evaluate("0");
        std::mem::take(&mut self.noticed)
    }

    fn notice(&mut self, message: &Value) {
        let told = &message["params"];
        let line = match message["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                format!("request {}", told["request"]["url"].as_str().unwrap())
            }
            Some("Log.entryAdded") => format!("complaint {}", told["entry"]["text"]),
            Some("Runtime.exceptionThrown") => format!("complaint {}", told["exceptionDetails"]),
            Some("Runtime.consoleAPICalled") if told["type"] == "error" => {
                format!("complaint {}", told["args"])
            }
            _ => return,
        };
        self.noticed.push(line);
    }

    /// Cuts the network off.
    pub fn cut_off(&mut self) {
        self.call("Network.enable", &json!({}));
        let conditions = json!({"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", &conditions);
    }

    /// Presses the tabulator.
    pub fn press_tab(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let key =
                json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", &key);
        }
    }

    /// Writes into what has the focus, as a keyboard does.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Waits until an expression of JavaScript is true.
    pub fn wait_until(&mut self, expression: &str) {
        self.until_done(expression, expression);
    }

    /// Saves the whole page, as far down as it goes, up to this height.
    pub fn save_whole(&mut self, picture: &Path, width: u32, most: u32) {
        let height = self.evaluate("document.documentElement.scrollHeight");
        let height = height.as_u64().unwrap().min(u64::from(most));
        self.resize(width, u32::try_from(height).unwrap());
        self.save(picture);
    }

    /// Calls a method of the protocol; returns its result.
    fn call(&mut self, method: &str, arguments: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": arguments});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        self.to.flush().unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            assert!(bytes.pop() == Some(0), "{method}: the browser has ended");
            let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
            self.notice(&answer);
            // What else comes are events, which nobody waits for.
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method} {arguments}: {answer}");
                return answer["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser is several processes.
        let group = format!("-{}", self.process.id());
        Command::new("kill")
            .args(["-KILL", "--", &group])
            .status()
            .ok();
        self.process.wait().ok();
    }
}

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success())
}
