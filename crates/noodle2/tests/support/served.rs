//! A server of runs' pages, as somebody starts it, and pages as they are asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::dashboard::Browser;
use super::text;

/// A server that ends with its test.
pub struct Served {
    process: Child,
    pub address: String,
    pub token: String,
}

impl Served {
    /// Serves a folder at a free port.
    pub fn start(place: &Path) -> Self {
        Self::start_at(place, 0)
    }

    /// Serves a folder at a port.
    pub fn start_at(place: &Path, port: u16) -> Self {
        Self::start_with(place, port, &[])
    }

    /// Serves a folder at a port with more options.
    pub fn start_with(place: &Path, port: u16, options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_noodle2"))
            // By its name alone, so that what pages show is the same everywhere.
            .current_dir(place.parent().unwrap())
            .args(["serve", text(Path::new(place.file_name().unwrap()))])
            .args(["--port", &port.to_string()])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        stderr.read_line(&mut said).unwrap();
        // Whoever writes there must find a reader.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let token = said.trim().strip_prefix("token for approvals: ");
        let token = token.unwrap_or_else(|| panic!("{said}")).to_owned();
        let address = address.trim().split("/?").next().unwrap();
        let address = address.trim_end_matches('/').to_owned();
        Self {
            process,
            address,
            token,
        }
    }

    /// The port that it listens at.
    pub fn port(&self) -> u16 {
        let port = self.address.rsplit_once(':').unwrap().1;
        port.parse().unwrap()
    }

    /// Ends it, as a machine does that is switched off.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The status and the body of an answer. `head` is what the request says beside its first line.
    pub fn ask(&self, method: &str, path: &str, head: &[&str], body: &str) -> (u16, String) {
        let host = self.address.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let named = head.iter().any(|line| line.starts_with("Host:"));
        let host = if named {
            String::new()
        } else {
            format!("Host: {host}\r\n")
        };
        let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\n{host}{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    /// A page that is there.
    pub fn get(&self, path: &str) -> String {
        let (status, answer) = self.ask("GET", path, &[], "");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What axe finds serious of the page that is open, in lines; nothing where axe is not there, and then it is said.
pub fn serious(browser: &mut Browser) -> Vec<String> {
    let Some(axe) = axe() else {
        eprintln!("SKIPPED: this judges a page, and axe-core is not there: `make axe` brings it");
        return Vec::new();
    };
    if browser.evaluate("window.axe === undefined") == true {
        browser.evaluate(&format!("{}; true", std::fs::read_to_string(axe).unwrap()));
    }
    let found = browser.awaited(
        "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations \
         .filter((one) => ['serious', 'critical'].includes(one.impact)) \
         .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)))",
    );
    let lines = found.as_array().unwrap().iter();
    lines
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

fn axe() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_noodle2"))
        .ancestors()
        .nth(2)?;
    let files = std::fs::read_dir(target.join("axe")).ok()?;
    let mut scripts = files.flatten().map(|file| file.path());
    scripts.find(|path| path.extension().is_some_and(|kind| kind == "js"))
}
