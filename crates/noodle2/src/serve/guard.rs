//! Who may ask, and who may answer for people.
//!
//! On loopback every program of this machine may look. A page of the web that a person has open in the same browser may
//! not: a request must name this server as its host, which keeps names that were bent to this address out, and an answer
//! to a stage must carry the token that the server printed. Anywhere else every page needs the token.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_SECURITY_POLICY, COOKIE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use noodle2_page::error_page;

use super::Desk;

/// Bytes of a token.
const TOKEN: usize = 16;
const COOKIE_NAME: &str = "noodle2";
/// Everything comes from this server, and nothing may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What a request has to show.
#[derive(Debug)]
pub(super) struct Guard {
    token: String,
    is_local: bool,
}

impl Guard {
    /// A guard with a new token, for a server at this address.
    pub fn new(address: IpAddr) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self {
            token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            is_local: address.is_loopback(),
        })
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether `given` is the token. Takes the same time for every token of its length.
    pub fn knows(&self, given: &str) -> bool {
        let differing = given
            .bytes()
            .zip(self.token.bytes())
            .fold(0, |found, (left, right)| found | (left ^ right));
        given.len() == self.token.len() && differing == 0
    }

    /// Whether a request names this machine as its host, as a browser does that was told its address.
    fn is_for_us(&self, headers: &HeaderMap) -> bool {
        if !self.is_local {
            return true;
        }
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name == "localhost"
            || name
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let by_header = text(AUTHORIZATION)
            .strip_prefix("Bearer ")
            .is_some_and(|given| self.knows(given));
        let cookies = text(COOKIE);
        let mut cookies = cookies
            .split(';')
            .filter_map(|cookie| cookie.trim().split_once('='));
        self.is_local
            || by_header
            || cookies.any(|(name, value)| name == COOKIE_NAME && self.knows(value))
    }
}

/// Lets a request pass or refuses it, and says to the browser what an answer may do.
pub(super) async fn watch(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let guard = &desk.guard;
    let headers = request.headers();
    let mut response = if !guard.is_for_us(headers) {
        let page = error_page(
            "Not this server",
            "The request names another host.",
            "Open the address that the server printed.",
        );
        (StatusCode::MISDIRECTED_REQUEST, Html(page)).into_response()
    } else if let Some(given) = request
        .uri()
        .query()
        .and_then(|query| query.strip_prefix("token="))
        && !guard.is_local
        && guard.knows(given)
    {
        let cookie = format!("{COOKIE_NAME}={given}; HttpOnly; SameSite=Strict; Path=/");
        let mut response = Redirect::to(request.uri().path()).into_response();
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    } else if guard.lets_in(headers) {
        next.run(request).await
    } else {
        let page = error_page(
            "A token is needed",
            "This server is open to a network.",
            "Open the whole address that it printed, with the token.",
        );
        (StatusCode::UNAUTHORIZED, Html(page)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_name_that_was_bent_to_this_machine_is_refused() {
        let guard = Guard::new(IpAddr::from([127, 0, 0, 1])).unwrap();
        for host in ["localhost:80", "localhost", "127.0.0.1:4711", "[::1]:4711"] {
            assert!(guard.is_for_us(&headers(HOST, host)), "{host}");
        }
        for host in ["evil.example:80", "localhost.evil.example", "10.0.0.1", ""] {
            assert!(!guard.is_for_us(&headers(HOST, host)), "{host}");
        }
    }

    #[test]
    fn beyond_loopback_nothing_is_seen_without_the_token() {
        let guard = Guard::new(IpAddr::from([0, 0, 0, 0])).unwrap();
        assert!(!guard.lets_in(&HeaderMap::new()));
        assert!(!guard.lets_in(&headers(AUTHORIZATION, "Bearer wrong")));
        assert!(!guard.lets_in(&headers(COOKIE, "noodle2=; noodle2=0")));
        let right = HeaderValue::from_str(&format!("Bearer {}", guard.token())).unwrap();
        assert!(guard.lets_in(&HeaderMap::from_iter([(AUTHORIZATION, right)])));
        let right = HeaderValue::from_str(&format!("other=1; noodle2={}", guard.token())).unwrap();
        assert!(guard.lets_in(&HeaderMap::from_iter([(COOKIE, right)])));
        assert!(!guard.knows("") && !guard.knows(&guard.token()[1..]));
    }
}
