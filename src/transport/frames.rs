//! What the supervisor says: frames of a letter, a 32-bit length and bytes, cut anywhere by the line.

/// One thing said, or a part of an output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Part of the standard output.
    Output(&'a [u8]),
    /// Part of the standard error.
    Error(&'a [u8]),
    /// The program begins.
    Begun,
    /// The program has taken so many bytes more.
    Taken(usize),
    /// The program ended with this status.
    Ended(i32),
    /// The program did not begin: why the lease does not hold.
    Fenced(String),
}

/// Something that the supervisor never says, such as the output of what a login shell left running.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

/// Longest frame that is not output.
const WORDS: usize = 4096;

/// Puts frames together.
#[derive(Default)]
pub(super) struct Frames {
    /// Letter and length of the frame that is open, as far as they came; then its words.
    open: Vec<u8>,
    /// Bytes that it still lacks, once its length is known.
    left: Option<usize>,
}

impl Frames {
    /// Whether no frame is open.
    pub(super) fn at_rest(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes what came and tells each thing that was said.
    pub(super) fn hear(&mut self, mut data: &[u8], mut tell: impl FnMut(Said<'_>)) -> Result<(), Garbled> {
        loop {
            let Some(left) = self.left else {
                if data.is_empty() {
                    return Ok(());
                }
                let (head, rest) = data.split_at(data.len().min(5 - self.open.len()));
                self.open.extend_from_slice(head);
                data = rest;
                self.left = self.length()?;
                continue;
            };
            let (part, rest) = data.split_at(data.len().min(left));
            data = rest;
            self.left = Some(left - part.len());
            match self.open[0] {
                b'o' => tell(Said::Output(part)),
                b'e' => tell(Said::Error(part)),
                _ => self.open.extend_from_slice(part),
            }
            if part.len() < left {
                return Ok(());
            }
            if let Some(said) = self.words()? {
                tell(said);
            }
            self.open.clear();
            self.left = None;
        }
    }

    /// The length of the open frame; `None` while its head is not whole.
    fn length(&self) -> Result<Option<usize>, Garbled> {
        let [letter, length @ ..] = self.open.as_slice() else { return Ok(None) };
        let Ok(length) = <[u8; 4]>::try_from(length) else { return Ok(None) };
        let length = u32::from_be_bytes(length) as usize;
        match letter {
            b'o' | b'e' => Ok(Some(length)),
            b'b' | b't' | b's' | b'f' if length <= WORDS => Ok(Some(length)),
            _ => Err(Garbled),
        }
    }

    /// What a whole frame says; outputs were told part by part.
    fn words(&self) -> Result<Option<Said<'static>>, Garbled> {
        let text = String::from_utf8_lossy(&self.open[5..]);
        Ok(match self.open[0] {
            b'b' => Some(Said::Begun),
            b't' => Some(Said::Taken(text.parse().map_err(|_| Garbled)?)),
            b's' => Some(Said::Ended(text.parse().map_err(|_| Garbled)?)),
            b'f' => Some(Said::Fenced(text.into_owned())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<String>), Garbled> {
        let (mut frames, mut output, mut others) = (Frames::default(), Vec::new(), Vec::new());
        for piece in pieces {
            frames.hear(piece, |said| match said {
                Said::Output(part) => output.extend_from_slice(part),
                other => others.push(format!("{other:?}")),
            })?;
        }
        assert!(frames.at_rest());
        Ok((output, others))
    }

    #[test]
    fn frames_come_whole_however_the_line_cuts_them() {
        let text = b"b\0\0\0\0o\0\0\0\x05helloo\0\0\0\0o\0\0\0\x01!s\0\0\0\x017";
        let wanted = Ok((b"hello!".to_vec(), vec!["Begun".to_owned(), "Ended(7)".to_owned()]));
        assert_eq!(all(&[text]), wanted);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(all(&bytes), wanted);
    }

    #[test]
    fn what_the_supervisor_never_says_is_noticed() {
        for text in [&b"Broadcast message"[..], b"s\0\0\0\x01x", b"f\0\x01\0\0", b"x\0\0\0\0"] {
            assert_eq!(all(&[text]), Err(Garbled), "{text:?}");
        }
    }
}
