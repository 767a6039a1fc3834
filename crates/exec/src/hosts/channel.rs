//! What is said between the controller, the keeper and its hosts.
//!
//! The controller hands the keeper a socket for each command; on it they speak as with a supervisor, except that the
//! answer may also be that no fork was made.
//!
//! The keeper and a host speak over two pipes, whose names the host is given (`/proc/<keeper>/fd/<number>`): what a tool
//! prints can never be taken for an answer. A frame is a length (four bytes, big endian) and that many bytes, fields
//! of UTF-8 separated by NUL.
//!
//! ```text
//! host   → keeper   ready                                     once it has loaded
//!                   failed <why>                              it could not, and leaves
//! keeper → host     <kind> <script> <folder> <output> <requests> <replies>
//!                                                             to be forked; kind is `command` or `host`, the last
//!                                                             two are pipes of the fork, for a host only
//! host   → keeper   reaped                                    the one in between has ended
//! fork   → keeper   forked <pid>                              in either order with the one before
//!                   failed <why>                              it cannot begin, and ends
//! ```
//!
//! A fork leads a process group of its own by the time it says `forked`, and keeps no end of its host's pipes. At the end of
//! its requests a host leaves.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::readable_until;

/// The longest answer of a host that is believed.
const LONGEST_FRAME: u32 = 1 << 20;

/// Sends a descriptor over a socket.
pub(super) fn send_descriptor(socket: &UnixStream, descriptor: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [std::os::fd::AsFd::as_fd(descriptor)];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(
        socket,
        &[IoSlice::new(&[1])],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Waits for a descriptor; `None` when the other end is closed.
pub(super) fn receive_descriptor(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = loop {
        match recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut byte)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let sent = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    sent.map(Some)
        .ok_or_else(|| io::Error::other("a call came without its socket"))
}

/// The keeper's ends of the two pipes of a host.
#[derive(Debug)]
pub(super) struct Channel {
    requests: io::PipeWriter,
    replies: io::PipeReader,
}

/// The host's ends of them, by name. They stay open in the keeper until the host has opened them.
#[derive(Debug)]
pub(super) struct Ends {
    requests: io::PipeReader,
    replies: io::PipeWriter,
}

impl Channel {
    /// Two new pipes.
    pub fn new() -> io::Result<(Self, Ends)> {
        let (theirs, requests) = io::pipe()?;
        let (replies, answers) = io::pipe()?;
        let ends = Ends {
            requests: theirs,
            replies: answers,
        };
        Ok((Self { requests, replies }, ends))
    }

    /// Sends a frame.
    pub fn send(&mut self, fields: &[&str]) -> io::Result<()> {
        let body = fields.join("\0");
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend_from_slice(body.as_bytes());
        self.requests.write_all(&frame)
    }

    /// Waits for a frame until `deadline`.
    ///
    /// # Errors
    /// When none came, the host has ended, or what came is no frame.
    pub fn receive(&mut self, deadline: Instant) -> io::Result<Vec<String>> {
        let length = u32::from_be_bytes(self.read::<4>(deadline)?);
        if length > LONGEST_FRAME {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut body = vec![0; length as usize];
        self.fill(&mut body, deadline)?;
        let text = String::from_utf8(body).map_err(io::Error::other)?;
        Ok(text.split('\0').map(str::to_owned).collect())
    }

    fn read<const COUNT: usize>(&mut self, deadline: Instant) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.fill(&mut bytes, deadline)?;
        Ok(bytes)
    }

    fn fill(&mut self, mut bytes: &mut [u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            if !readable_until(&self.replies, deadline) {
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            match self.replies.read(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Ok(count) => bytes = &mut bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Ends {
    /// The names under which another process can open them.
    pub fn names(&self) -> (String, String) {
        (
            name_of(self.requests.as_raw_fd()),
            name_of(self.replies.as_raw_fd()),
        )
    }
}

/// The name under which another process of this user can open a descriptor of this one.
pub(super) fn name_of(descriptor: i32) -> String {
    format!("/proc/{}/fd/{descriptor}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn host_side(ends: &Ends) -> (std::fs::File, std::fs::File) {
        let (requests, replies) = ends.names();
        let answers = std::fs::File::options().write(true).open(replies).unwrap();
        (std::fs::File::open(requests).unwrap(), answers)
    }

    #[test]
    fn a_descriptor_arrives_open() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut source, sink) = io::pipe().unwrap();
        send_descriptor(&ours, &OwnedFd::from(sink)).unwrap();
        let received = receive_descriptor(&theirs).unwrap().unwrap();
        std::fs::File::from(received).write_all(b"x").unwrap();
        let mut byte = [0];
        source.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
        drop(ours);
        assert!(receive_descriptor(&theirs).unwrap().is_none());
    }

    #[test]
    fn frames_pass_both_ways_whatever_is_in_them() {
        let (mut channel, ends) = Channel::new().unwrap();
        let (mut requests, mut answers) = host_side(&ends);
        channel.send(&["command", "/a b\n{c}", "", "é"]).unwrap();
        let mut head = [0; 4];
        requests.read_exact(&mut head).unwrap();
        let mut body = vec![0; u32::from_be_bytes(head) as usize];
        requests.read_exact(&mut body).unwrap();
        assert_eq!(body, "command\0/a b\n{c}\0\0é".as_bytes());
        answers.write_all(&[0, 0, 0, 9]).unwrap();
        answers.write_all(b"forked\x0017").unwrap();
        assert_eq!(channel.receive(soon()).unwrap(), ["forked", "17"]);
    }

    #[test]
    fn an_answer_that_is_cut_too_long_or_no_text_is_an_error() {
        for (bytes, kind) in [
            (&[0, 0, 0, 9, b'x'][..], io::ErrorKind::UnexpectedEof),
            (&[255, 0, 0, 0][..], io::ErrorKind::Other),
            (&[0, 0, 0, 1, 0xff][..], io::ErrorKind::Other),
            (&[][..], io::ErrorKind::UnexpectedEof),
        ] {
            let (mut channel, ends) = Channel::new().unwrap();
            let (_, mut answers) = host_side(&ends);
            drop(ends);
            answers.write_all(bytes).unwrap();
            drop(answers);
            assert_eq!(channel.receive(soon()).unwrap_err().kind(), kind);
        }
    }

    #[test]
    fn silence_is_waited_for_no_longer_than_told() {
        let (mut channel, ends) = Channel::new().unwrap();
        let error = channel.receive(Instant::now()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(ends);
    }
}
