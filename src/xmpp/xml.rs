//! Small XML trees as the protocol needs them: built, read, written. No comments, no processing instructions, no
//! document types, no entities of one's own: all are forbidden on the wire and refused here.

use super::Wrong;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::fmt::Write as _;

const MAX_DEPTH: usize = 64;
const MAX_ATTRIBUTES: usize = 64;

/// A part of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped.
    Text(String),
}

/// An element with its namespace resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Namespace.
    pub ns: String,
    /// Attributes, names as written.
    pub attrs: Vec<(String, String)>,
    /// Parts in order.
    pub nodes: Vec<Node>,
}

impl Element {
    /// Starts an element.
    pub fn new(name: &str, ns: &str) -> Self {
        Self { name: name.to_owned(), ns: ns.to_owned(), ..Self::default() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attrs.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a child.
    #[must_use]
    pub fn child(mut self, child: Element) -> Self {
        self.nodes.push(Node::Element(child));
        self
    }

    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.nodes.push(Node::Text(text.into()));
        self
    }

    /// An attribute's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it has this name and namespace.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        self.name == name && self.ns == ns
    }

    /// Its child elements.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of this name and namespace.
    pub fn find(&self, name: &str, ns: &str) -> Option<&Element> {
        self.children().find(|child| child.is(name, ns))
    }

    /// The first child of this name in the element's own namespace.
    pub fn own(&self, name: &str) -> Option<&Element> {
        self.find(name, &self.ns)
    }

    /// The text directly inside.
    pub fn inner(&self) -> String {
        self.nodes
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.as_str()),
                Node::Element(_) => None,
            })
            .collect()
    }

    /// Writes it as it stands on the wire; `outer` is the namespace around it.
    pub fn write(&self, outer: &str, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        if self.ns != outer {
            write_attribute("xmlns", &self.ns, out);
        }
        for (name, value) in &self.attrs {
            write_attribute(name, value, out);
        }
        if self.nodes.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for node in &self.nodes {
            match node {
                Node::Element(element) => element.write(&self.ns, out),
                Node::Text(text) => escape(text, out),
            }
        }
        let _ = write!(out, "</{}>", self.name);
    }

    /// Reads one complete element; `declared` are the namespace declarations around it as `(prefix, namespace)`.
    pub fn parse(bytes: &[u8], declared: &[(String, String)]) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(bytes).map_err(|_| Wrong::Xml("not UTF-8".to_owned()))?;
        let mut reader = Reader::from_str(text);
        let mut scope = Scope { around: declared, own: Vec::new() };
        let mut open: Vec<(Element, usize)> = Vec::new();
        loop {
            let mark = scope.own.len();
            match reader.read_event().map_err(|cause| Wrong::Xml(cause.to_string()))? {
                Event::Start(start) => {
                    let element = begin(&start, &mut scope)?;
                    open.push((element, mark));
                    if open.len() > MAX_DEPTH {
                        return Err(Wrong::TooMuch("nested elements", MAX_DEPTH));
                    }
                }
                Event::Empty(start) => {
                    let element = begin(&start, &mut scope)?;
                    scope.own.truncate(mark);
                    match open.last_mut() {
                        Some((parent, _)) => parent.nodes.push(Node::Element(element)),
                        None => return Ok(element),
                    }
                }
                Event::End(_) => {
                    let (element, mark) =
                        open.pop().ok_or_else(|| Wrong::Xml("an end without start".to_owned()))?;
                    scope.own.truncate(mark);
                    match open.last_mut() {
                        Some((parent, _)) => parent.nodes.push(Node::Element(element)),
                        None => return Ok(element),
                    }
                }
                Event::Text(raw) => {
                    push_text(&mut open, &raw.decode().map_err(|e| Wrong::Xml(e.to_string()))?);
                }
                Event::CData(raw) => {
                    push_text(&mut open, &raw.decode().map_err(|e| Wrong::Xml(e.to_string()))?);
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|cause| Wrong::Xml(cause.to_string()))?;
                    push_text(&mut open, &entity(&name)?);
                }
                Event::Eof => return Err(Wrong::Xml("it ends too early".to_owned())),
                Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Decl(_) => {
                    return Err(Wrong::Xml("a comment, instruction or document type".to_owned()));
                }
            }
        }
    }
}

/// Reads a start tag alone, such as a stream's header, with the namespaces it declares.
pub(super) fn header(bytes: &[u8]) -> Result<(Element, Vec<(String, String)>), Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|_| Wrong::Xml("not UTF-8".to_owned()))?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut scope = Scope { around: &[], own: Vec::new() };
    match reader.read_event().map_err(|cause| Wrong::Xml(cause.to_string()))? {
        Event::Start(start) | Event::Empty(start) => Ok((begin(&start, &mut scope)?, scope.own)),
        _ => Err(Wrong::Xml("no stream header".to_owned())),
    }
}

fn push_text(open: &mut [(Element, usize)], text: &str) {
    let Some((parent, _)) = open.last_mut() else { return };
    match parent.nodes.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => parent.nodes.push(Node::Text(text.to_owned())),
    }
}

/// Namespaces as `(prefix, namespace)`: those declared around an element, and those within it.
struct Scope<'a> {
    around: &'a [(String, String)],
    own: Vec<(String, String)>,
}

impl Scope<'_> {
    fn find(&self, prefix: &str) -> Option<&str> {
        let mut inner_first = self.own.iter().rev().chain(self.around.iter().rev());
        inner_first.find(|(declared, _)| declared == prefix).map(|(_, ns)| ns.as_str())
    }
}

fn begin(start: &BytesStart<'_>, scope: &mut Scope<'_>) -> Result<Element, Wrong> {
    let mut attrs = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|cause| Wrong::Xml(cause.to_string()))?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let value = attribute.unescape_value().map_err(|cause| Wrong::Xml(cause.to_string()))?.into_owned();
        if key == "xmlns" {
            scope.own.push((String::new(), value));
        } else if let Some(prefix) = key.strip_prefix("xmlns:") {
            scope.own.push((prefix.to_owned(), value));
        } else {
            attrs.push((key, value));
        }
        if attrs.len() + scope.own.len() > MAX_ATTRIBUTES * 2 {
            return Err(Wrong::TooMuch("attributes", MAX_ATTRIBUTES));
        }
    }
    let tag = start.name();
    let raw = String::from_utf8_lossy(tag.as_ref());
    let (prefix, name) = raw.split_once(':').unwrap_or(("", &raw));
    let ns = match scope.find(prefix) {
        Some(ns) => ns.to_owned(),
        None if prefix.is_empty() => String::new(),
        None => return Err(Wrong::Xml(format!("prefix `{prefix}` is not declared"))),
    };
    Ok(Element { name: name.to_owned(), ns, attrs, nodes: Vec::new() })
}

fn entity(name: &str) -> Result<String, Wrong> {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => match name.strip_prefix("#x") {
            Some(digits) => code(digits, 16),
            None => name.strip_prefix('#').and_then(|digits| code(digits, 10)),
        },
    };
    found.map(String::from).ok_or_else(|| Wrong::Xml("an entity of its own".to_owned()))
}

fn write_attribute(name: &str, value: &str, out: &mut String) {
    let _ = write!(out, " {name}='");
    escape(value, out);
    out.push('\'');
}

/// Escapes text for content and for attributes in single quotes; characters XML cannot carry are left out.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let message = Element::new("message", "jabber:client")
            .attr("to", "王芳@im.example/'a\"")
            .child(Element::new("body", "jabber:client").text("a < b & c > d\r\n ]]> 你好"))
            .child(Element::new("request", "urn:xmpp:receipts"));
        let mut wire = String::new();
        message.write("jabber:client", &mut wire);
        let declared = [(String::new(), "jabber:client".to_owned())];
        assert_eq!(Element::parse(wire.as_bytes(), &declared).unwrap(), message, "{wire}");
    }

    #[test]
    fn prefixes_are_resolved_where_they_are_declared() {
        let declared = [("stream".to_owned(), "urn:s".to_owned())];
        let read = Element::parse(
            b"<stream:a><b xmlns='urn:b' xmlns:x='urn:x'><x:c/></b><d/></stream:a>",
            &declared,
        );
        let read = read.unwrap();
        assert!(read.is("a", "urn:s"));
        assert!(read.find("b", "urn:b").unwrap().find("c", "urn:x").is_some());
        assert!(read.find("d", "").is_some());
        assert!(Element::parse(b"<q:a/>", &declared).is_err());
    }

    #[test]
    fn what_the_protocol_forbids_is_refused() {
        for bad in [
            "<a><!-- --></a>",
            "<a><?php ?></a>",
            "<a>&bomb;</a>",
            "<a b='&bomb;'/>",
            "<a></b>",
            "<a b='1' b='2'/>",
            "<a>&#xD800;</a>",
        ] {
            assert!(Element::parse(bad.as_bytes(), &[]).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert!(matches!(Element::parse(deep.as_bytes(), &[]), Err(Wrong::TooMuch(..))));
    }
}
