//! Cuts a byte stream into stream header, whole stanzas and stream end, however the bytes arrive. It looks at
//! each byte once, holds at most one unfinished stanza, and gives its memory back in between.

use super::Wrong;
use super::xml::{Element, header};

/// What came over a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The other side's stream header.
    Open(Element),
    /// A stanza or another element of the first level.
    Stanza(Element),
    /// The other side's stream end.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between tags.
    Outside,
    /// Just after `<`.
    TagBegins,
    /// In a start tag or an empty one; true after a `/`.
    Start(bool),
    /// In an attribute's value.
    Quoted(u8),
    /// In an end tag.
    End,
    /// In the XML declaration.
    Declaration,
    /// In a CDATA section; how much of `]]>` was seen.
    Cdata(u8),
}

/// The cutter of one stream.
#[derive(Debug)]
pub struct Framer {
    held: Vec<u8>,
    /// Bytes of `held` already looked at.
    seen: usize,
    place: Place,
    depth: usize,
    declared: Vec<(String, String)>,
    limit: usize,
}

impl Framer {
    /// A cutter that refuses elements of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { held: Vec::new(), seen: 0, place: Place::Outside, depth: 0, declared: Vec::new(), limit }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole thing; none until more bytes come.
    pub fn pull(&mut self) -> Result<Option<Incoming>, Wrong> {
        while self.seen < self.held.len() {
            let byte = self.held[self.seen];
            self.seen += 1;
            if let Some(incoming) = self.step(byte)? {
                return Ok(Some(incoming));
            }
            if self.seen > self.limit {
                return Err(Wrong::TooMuch("bytes in one element", self.limit));
            }
        }
        if self.place == Place::Outside && self.depth <= 1 && self.held.iter().all(u8::is_ascii_whitespace) {
            self.drop_seen();
        }
        if self.held.is_empty() && self.held.capacity() > 4096 {
            self.held = Vec::new();
        }
        Ok(None)
    }

    fn step(&mut self, byte: u8) -> Result<Option<Incoming>, Wrong> {
        self.place = match (self.place, byte) {
            (Place::Outside, b'<') => {
                self.text_before_tag()?;
                Place::TagBegins
            }
            (Place::TagBegins, b'/') => Place::End,
            (Place::TagBegins, b'?') if self.depth == 0 => Place::Declaration,
            (Place::TagBegins, b'!') if self.depth > 1 => Place::Cdata(0),
            (Place::TagBegins, b'!' | b'?' | b'<' | b'>') => {
                return Err(Wrong::Xml("a comment, instruction or document type".to_owned()));
            }
            (Place::TagBegins, _) => Place::Start(false),
            (Place::Start(_), quote @ (b'"' | b'\'')) => Place::Quoted(quote),
            (Place::Start(empty), b'>') => {
                self.place = Place::Outside;
                return self.started(empty);
            }
            (Place::Start(_), byte) => Place::Start(byte == b'/'),
            (Place::Quoted(quote), byte) if byte == quote => Place::Start(false),
            (Place::End, b'>') => {
                self.place = Place::Outside;
                return self.ended();
            }
            (Place::Declaration, b'>') => {
                self.drop_seen();
                Place::Outside
            }
            (Place::Cdata(progress), byte) => match (progress, byte) {
                (0 | 1, b']') => Place::Cdata(progress + 1),
                (2, b']') => Place::Cdata(2),
                (2, b'>') => Place::Outside,
                _ => Place::Cdata(0),
            },
            (place, _) => place,
        };
        Ok(None)
    }

    /// Between stanzas only white space may stand (a keepalive); it is let go.
    fn text_before_tag(&mut self) -> Result<(), Wrong> {
        if self.depth > 1 {
            return Ok(());
        }
        let text = &self.held[..self.seen - 1];
        if !text.iter().all(u8::is_ascii_whitespace) {
            return Err(Wrong::Xml("text between stanzas".to_owned()));
        }
        self.held.drain(..self.seen - 1);
        self.seen = 1;
        Ok(())
    }

    fn started(&mut self, empty: bool) -> Result<Option<Incoming>, Wrong> {
        if self.depth == 0 {
            let (element, declared) = header(&self.held[..self.seen])?;
            self.declared = declared;
            self.drop_seen();
            self.depth = usize::from(!empty);
            return Ok(Some(Incoming::Open(element)));
        }
        if !empty {
            self.depth += 1;
            return Ok(None);
        }
        if self.depth == 1 { self.stanza().map(Some) } else { Ok(None) }
    }

    fn ended(&mut self) -> Result<Option<Incoming>, Wrong> {
        self.depth =
            self.depth.checked_sub(1).ok_or_else(|| Wrong::Xml("an end without start".to_owned()))?;
        match self.depth {
            0 => {
                self.drop_seen();
                Ok(Some(Incoming::Close))
            }
            1 => self.stanza().map(Some),
            _ => Ok(None),
        }
    }

    fn stanza(&mut self) -> Result<Incoming, Wrong> {
        let element = Element::parse(&self.held[..self.seen], &self.declared)?;
        self.drop_seen();
        Ok(Incoming::Stanza(element))
    }

    fn drop_seen(&mut self) {
        self.held.drain(..self.seen);
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
        xmlns:stream='http://etherx.jabber.org/streams' id='7' from='im.example' version='1.0'>\
        <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>\n \n\
        <message from='a@b/>' to=\"c'd\"><body>1 &lt; 2 你好 <![CDATA[</message>]]]]></body></message><r xmlns='urn:xmpp:sm:3'/>\
        </stream:stream>";

    fn all(chunks: impl IntoIterator<Item = Vec<u8>>) -> Vec<Incoming> {
        let mut framer = Framer::new(65_536);
        let mut out = Vec::new();
        for chunk in chunks {
            framer.push(&chunk);
            while let Some(incoming) = framer.pull().unwrap() {
                out.push(incoming);
            }
        }
        assert!(framer.held.is_empty());
        out
    }

    #[test]
    fn a_stream_reads_the_same_wherever_it_is_split() {
        let bytes = STREAM.as_bytes();
        let whole = all([bytes.to_vec()]);
        assert_eq!(whole.len(), 5, "{whole:?}");
        let Incoming::Stanza(message) = &whole[2] else { panic!("{whole:?}") };
        assert_eq!(message.own("body").unwrap().inner(), "1 < 2 你好 </message>]]");
        assert_eq!(message.get("from"), Some("a@b/>"));
        assert_eq!(all(bytes.iter().map(|byte| vec![*byte])), whole);
        for at in 0..bytes.len() {
            assert_eq!(all([bytes[..at].to_vec(), bytes[at..].to_vec()]), whole, "split at {at}");
        }
    }

    #[test]
    fn an_endless_element_is_cut_off() {
        for endless in ["<a>", "x", " ", "<a b='", "<![CDATA["] {
            let mut framer = Framer::new(1000);
            framer.push(b"<stream xmlns='s'><m>");
            let mut result = framer.pull();
            for _ in 0..2000 {
                framer.push(endless.as_bytes());
                while let Ok(Some(_)) = result {
                    result = framer.pull();
                }
                result = result.and_then(|_| framer.pull());
            }
            assert!(matches!(result, Err(Wrong::TooMuch(..))), "{endless}: {result:?}");
        }
    }

    #[test]
    fn noise_never_panics() {
        for bad in [
            "<stream><!-- -->",
            "<stream><!DOCTYPE a>",
            "<s>text<a/>",
            "</s>",
            "<s></s></s>",
            "<s><?a?>",
            "<s><>",
        ] {
            let mut framer = Framer::new(1000);
            framer.push(bad.as_bytes());
            let mut result = framer.pull();
            while let Ok(Some(_)) = result {
                result = framer.pull();
            }
            assert!(result.is_err(), "{bad}");
        }
    }
}
