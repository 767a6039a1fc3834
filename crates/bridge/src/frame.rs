//! Frames: a length of four bytes, the most significant first, then as many bytes of JSON.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes that a frame may have, its length not counted.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// Why no frame could be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The pipe failed, or ended within a frame.
    #[error("the pipe failed: {0}")]
    Io(#[from] io::Error),
    /// The length says more than a frame may have.
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_BYTES}")]
    TooLong(usize),
    /// What it holds is not what may be said.
    #[error("a frame is not in order: {0}")]
    Content(#[from] serde_json::Error),
}

/// Reads the next frame; `None` when the pipe ended before it.
///
/// # Errors
/// When the pipe fails or ends within the frame, the frame is longer than [`MAX_FRAME_BYTES`], or it holds anything
/// but a message of this kind.
pub fn read_frame<T: DeserializeOwned>(pipe: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    let mut read = 0;
    while read < length.len() {
        match pipe.read(&mut length[read..]) {
            Ok(0) if read == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    // Grown as bytes come: a length alone costs its sender nothing.
    let mut content = Vec::new();
    pipe.take(length as u64).read_to_end(&mut content)?;
    if content.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(serde_json::from_slice(&content)?))
}

/// Writes a frame, and hands it on.
///
/// # Errors
/// When the pipe fails, or the message is longer than [`MAX_FRAME_BYTES`]; nothing of it is written then.
pub fn write_frame(pipe: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    pipe.write_all(&frame)?;
    pipe.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn frames(bytes: &[u8]) -> Result<Vec<Value>, FrameError> {
        let mut pipe = bytes;
        let mut found = Vec::new();
        while let Some(frame) = read_frame(&mut pipe)? {
            found.push(frame);
        }
        Ok(found)
    }

    #[test]
    fn what_is_written_is_read() {
        let messages = [json!({"type": "stop"}), json!({"text": "µ", "n": 1.25e-9})];
        let mut pipe = Vec::new();
        for message in &messages {
            write_frame(&mut pipe, message).unwrap();
        }
        assert_eq!(frames(&pipe).unwrap(), messages);
        assert_eq!(frames(b"").unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn a_frame_that_is_torn_anywhere_is_no_frame() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &json!({"type": "stop"})).unwrap();
        for length in 1..pipe.len() {
            let end = frames(&pipe[..length]);
            assert!(matches!(end, Err(FrameError::Io(_))), "{length}: {end:?}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_json_is_refused() {
        let too_long = ((MAX_FRAME_BYTES + 1) as u32).to_be_bytes();
        assert!(matches!(frames(&too_long), Err(FrameError::TooLong(_))));
        let garbage = [&5_u32.to_be_bytes()[..], b"{\"a\":"].concat();
        assert!(matches!(frames(&garbage), Err(FrameError::Content(_))));
        let huge = "x".repeat(MAX_FRAME_BYTES);
        let mut pipe = Vec::new();
        assert!(matches!(
            write_frame(&mut pipe, &huge),
            Err(FrameError::TooLong(_))
        ));
        assert!(pipe.is_empty());
    }
}
