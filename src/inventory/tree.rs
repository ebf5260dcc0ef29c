//! YAML text as a tree in which every key and value keeps its place, so that all mistakes can be found in one go.
//! It does not know what the keys mean.
//!
//! The parser's events are used instead of a serde deserializer, which would stop at the first mistake.

use super::mistake::Mistake;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};
use std::collections::HashMap;
use std::ops::Range;

/// At most so many nodes, repeated ones (`*alias`) counted each time.
const MAX_NODES: usize = 50_000;
/// At most so many levels.
const MAX_DEPTH: usize = 32;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Bytes of the file.
    pub(super) span: Range<usize>,
    /// What stands there.
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing: `key:`, `~` or `null`.
    Nothing,
    /// Text as written; `plain` = without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file; of equal keys only the first.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Place of the key.
    pub(super) key_span: Range<usize>,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// The value of a key.
    pub(super) fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Keys and values of a map; nothing for another shape.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Items of a list; nothing for another shape.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| 1 + entry.value.size()).sum(),
            _ => 0,
        }
    }
}

/// Reads YAML text. Mistakes that leave a usable tree are added to the list; none is returned when there is no tree.
pub(super) fn parse(text: &str, mistakes: &mut Vec<Mistake>) -> Option<Node> {
    let options = options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_unresolved_aliases: true,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { text, parser, anchors: HashMap::new(), nodes: 0, depth: 0, mistakes };
    match builder.document() {
        Ok(node) => Some(node),
        Err(mistake) => {
            builder.mistakes.push(mistake);
            None
        }
    }
}

struct Builder<'text, 'list> {
    text: &'text str,
    parser: Parser<'text, StrInput<'text>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    depth: usize,
    mistakes: &'list mut Vec<Mistake>,
}

impl<'text> Builder<'text, '_> {
    fn document(&mut self) -> Result<Node, Mistake> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => {
                    return Err(Mistake::new("IM1204", "the file is empty")
                        .help("start from inventories/single.yml, three.yml or six.yml"));
                }
                (event, span) => {
                    let node = self.node(event, span)?;
                    self.only_document();
                    return Ok(node);
                }
            }
        }
    }

    /// A second document would be silently ignored by many programs; here it is a mistake.
    fn only_document(&mut self) {
        loop {
            match self.next() {
                Ok((Event::DocumentStart(..), span)) => {
                    let span = self.range(span);
                    self.mistakes.push(
                        Mistake::new("IM1225", "an inventory is one document")
                            .at(span, "a second document starts here")
                            .help("remove `---` or move the second part to a file of its own"),
                    );
                    return;
                }
                Ok((Event::StreamEnd, _)) => return,
                Ok(_) => {}
                Err(mistake) => return self.mistakes.push(mistake),
            }
        }
    }

    /// The next event that is not a comment.
    fn next(&mut self) -> Result<(Event<'text>, Span), Mistake> {
        loop {
            match self.parser.next_event() {
                None => {
                    let end = self.text.len();
                    return Err(Mistake::new("IM1205", "the file ends too early").at(end..end, "here"));
                }
                Some(Err(error)) => return Err(self.syntax(&error)),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(next)) => return Ok(next),
            }
        }
    }

    fn node(&mut self, event: Event<'text>, span: Span) -> Result<Node, Mistake> {
        self.count(1, &span)?;
        self.refuse_tag(&event, &span);
        let anchor = event.anchor_id();
        let span = self.range(span);
        let node = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style, span),
            Event::SequenceStart(..) => self.deeper(span, Self::list)?,
            Event::MappingStart(..) => self.deeper(span, Self::map)?,
            Event::Alias(id) => return self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.mistakes.push(
                    Mistake::new("IM1226", format!("nothing is marked `&{name}`"))
                        .at(span.clone(), "refers to nothing"),
                );
                Node { span, value: Value::Nothing }
            }
            other => return Err(Mistake::new("IM1205", format!("unexpected {other:?}")).at(span, "here")),
        };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    /// Reads what is nested. The parser counts lists in brackets and lists of lines apart, and single pairs not at all.
    fn deeper(
        &mut self,
        span: Range<usize>,
        read: fn(&mut Self, Range<usize>) -> Result<Node, Mistake>,
    ) -> Result<Node, Mistake> {
        if self.depth == MAX_DEPTH {
            return Err(Mistake::new("IM1205", "this is nested too deep")
                .at(span, "here")
                .help("no part of an inventory needs so many levels; look for a bracket or a `-` too many"));
        }
        self.depth += 1;
        let node = read(self, span);
        self.depth -= 1;
        node
    }

    fn alias(&mut self, id: usize, span: Range<usize>) -> Result<Node, Mistake> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            self.mistakes.push(Mistake::new("IM1226", "a part refers to itself").at(span.clone(), "here"));
            return Ok(Node { span, value: Value::Nothing });
        };
        self.nodes += node.size();
        if self.nodes > MAX_NODES {
            return Err(too_much(span));
        }
        Ok(node)
    }

    fn list(&mut self, start: Range<usize>) -> Result<Node, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let span = self.enclosing(&start, end, items.last().map(|item: &Node| item.span.end));
                    return Ok(Node { span, value: Value::List(items) });
                }
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self, start: Range<usize>) -> Result<Node, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, end) => {
                    let span = self.enclosing(&start, end, entries.last().map(|entry| entry.value.span.end));
                    return Ok(Node { span, value: Value::Map(entries) });
                }
                (event, span) => self.node(event, span)?,
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            let Value::Scalar { text, .. } = key.value else {
                self.mistakes.push(Mistake::new("IM1209", "a key must be a word").at(key.span, "not a word"));
                continue;
            };
            match seen.get(&text).map(|&place| &entries[place]) {
                None => {
                    seen.insert(text.clone(), entries.len());
                    entries.push(Entry { key: text, key_span: key.span, value });
                }
                Some(first) => self.mistakes.push(
                    Mistake::new("IM1208", format!("`{text}` stands here twice"))
                        .at(key.span, "again")
                        .and(first.key_span.clone(), "first here")
                        .help("keep one of the two; which one counts would be a guess"),
                ),
            }
        }
    }

    /// From the start of a collection to its end; a block collection ends with its last child.
    fn enclosing(&self, start: &Range<usize>, end: Span, last: Option<usize>) -> Range<usize> {
        let end = self.range(end);
        if end.is_empty() {
            start.start..last.unwrap_or(start.end).max(start.start)
        } else {
            start.start..end.end
        }
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), Mistake> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(too_much(self.range(*span))) } else { Ok(()) }
    }

    fn refuse_tag(&mut self, event: &Event<'text>, span: &Span) {
        if let Some(tag) = event.tag() {
            let place = self.range(span.tag_span().unwrap_or(*span));
            self.mistakes.push(
                Mistake::new("IM1226", format!("the tag `{}` means nothing here", tag.original()))
                    .at(place, "a YAML tag")
                    .help("remove it; put text in quotes to keep it text"),
            );
        }
    }

    fn syntax(&self, error: &ScanError) -> Mistake {
        let mut byte = self.boundary(error.marker().byte_offset().unwrap_or(0));
        let info = error.info();
        let help = if info.contains("tab") {
            // The parser's place may be the word before the tab.
            byte += self.text[byte..].find('\t').unwrap_or(0);
            "YAML is indented with spaces; replace the tab by spaces"
        } else if self.text[byte..].starts_with(['@', '`', '%']) {
            "put the text in quotes"
        } else {
            "look at this line and the one before: indentation, quotes, brackets, a space after `:`"
        };
        let end = self.text[byte..].chars().next().map_or(byte, |c| byte + c.len_utf8());
        Mistake::new("IM1205", format!("this is not YAML: {info}")).at(byte..end, "here").help(help)
    }

    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        let start = self.boundary(range.start);
        start..self.boundary(range.end).max(start)
    }

    /// The byte itself, or the nearest one before it at which a character starts.
    fn boundary(&self, byte: usize) -> usize {
        self.text.floor_char_boundary(byte.min(self.text.len()))
    }
}

fn too_much(span: Range<usize>) -> Mistake {
    Mistake::new("IM1206", format!("the file has more than {MAX_NODES} parts"))
        .at(span, "too many from here on")
}

fn scalar(text: &str, style: ScalarStyle, span: Range<usize>) -> Node {
    let plain = style == ScalarStyle::Plain;
    let value = if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Value::Nothing
    } else {
        Value::Scalar { text: text.to_owned(), plain }
    };
    Node { span, value }
}
