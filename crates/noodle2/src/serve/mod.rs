//! `noodle2 serve`: runs in a browser, while they go on and after.
//!
//! It follows journals that others write ([`live`]), finds runs below a folder ([`shelf`]), reads what attempts left
//! (`crate::left`), and hands all of it to the room of pages. The one thing that it ever writes is the answer of a person to a
//! stage that waits, by the way that `noodle2 approve` takes ([`answer`]).
//!
//! Never holds a lock, never changes a run, never serves a file that no sealed index of an attempt names.

mod answer;
mod guard;
mod live;
mod news;
mod routes;
mod shelf;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::cli::ServeOption;
use crate::exit::{CommandFailure, Exit};
use crate::print;

use guard::Guard;
use shelf::Shelf;

/// A server that would be open to others was not asked to be.
const OPEN_TO_OTHERS: &str = "N2-SERVE-001";
/// The address cannot be listened at.
const NO_ADDRESS: &str = "N2-SERVE-002";

/// What every answer is made from.
#[derive(Debug, Clone)]
struct Desk {
    shelf: Arc<Shelf>,
    guard: Arc<Guard>,
}

/// Serves until it is interrupted.
pub(crate) fn serve(option: &ServeOption) -> Result<Exit, CommandFailure> {
    let address = SocketAddr::new(option.host, option.port);
    if !address.ip().is_loopback() && !option.open {
        return Err(CommandFailure::new(
            Exit::Usage,
            OPEN_TO_OTHERS,
            format!("others on the network could see the runs at {address}"),
            "leave out `--host` and come by an SSH tunnel; or add `--open`: every page then asks for the token".to_owned(),
        ));
    }
    let shelf = Shelf::open(&option.place)?;
    let guard = Guard::new(address.ip()).map_err(CommandFailure::internal)?;
    let desk = Desk {
        shelf: Arc::new(shelf),
        guard: Arc::new(guard),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CommandFailure::internal)?;
    let served = runtime.block_on(listen(address, desk));
    // Whoever still listens to news hears no more; what is being read is let go.
    runtime.shutdown_background();
    served
}

async fn listen(address: SocketAddr, desk: Desk) -> Result<Exit, CommandFailure> {
    let failed = |error: std::io::Error| {
        CommandFailure::new(
            Exit::Usage,
            NO_ADDRESS,
            format!("{address} cannot be listened at: {error}"),
            "another program may be there: choose another `--port`; 0 takes a free one".to_owned(),
        )
    };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let token = desk.guard.token();
    let key = match address.ip().is_loopback() {
        true => String::new(),
        false => format!("?token={token}"),
    };
    print::data(&format!("http://{address}/{key}"));
    print::talk(&format!(
        "token for approvals: {token}\nCtrl-C ends the server; runs go on"
    ));
    let served = axum::serve(listener, routes::router(desk));
    tokio::select! {
        ended = served => ended.map(|()| Exit::Done).map_err(CommandFailure::internal),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
    }
}
