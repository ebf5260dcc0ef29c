//! Reading a list of accounts: `name[,password][,display name]` a line, quotes as in RFC 4180, an optional heading.
//! Every mistake is reported with its line, all at once. Pure.

use super::name::{prepared_name, prepared_password};
use crate::base::Secret;
use std::collections::HashMap;

/// One account wanted.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Wanted {
    /// Name, prepared.
    pub(in crate::cli) name: String,
    /// Password, prepared; none = to be made.
    pub(in crate::cli) password: Option<Secret<String>>,
    /// Name shown to people; empty when there is none.
    pub(in crate::cli) display_name: String,
}

/// A mistake in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Mistake {
    /// Line, from 1.
    pub(in crate::cli) line: usize,
    /// What is wrong; never holds a password.
    pub(in crate::cli) what: String,
}

/// Where each column stands.
struct Columns {
    password: Option<usize>,
    display_name: Option<usize>,
    count: usize,
}

/// Reads the whole list; either all of it is right or all mistakes come back.
pub(in crate::cli) fn read(bytes: &[u8]) -> Result<Vec<Wanted>, Vec<Mistake>> {
    let text = match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
        Ok(text) => text,
        Err(at) => {
            let line = bytes[..at.valid_up_to()].split(|&byte| byte == b'\n').count();
            let what = "the file is not UTF-8; in a spreadsheet choose \"CSV UTF-8\" when saving".to_owned();
            return Err(vec![Mistake { line, what }]);
        }
    };
    let (records, mut mistakes) = records(text);
    let mut records = records.into_iter().peekable();
    let mut columns = Columns { password: Some(1), display_name: Some(2), count: 3 };
    if let Some((line, heading)) =
        records.next_if(|(_, fields)| fields[0].trim().eq_ignore_ascii_case("name"))
    {
        columns = heading_columns(line, &heading, &mut mistakes);
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    for (line, fields) in records {
        match account(&fields, &columns) {
            Ok(account) => match lines.insert(account.name.clone(), line) {
                Some(before) => {
                    mistakes.push(Mistake {
                        line,
                        what: format!("`{}` stands already in line {before}", account.name),
                    });
                }
                None => wanted.push(account),
            },
            Err(what) => mistakes.push(Mistake { line, what }),
        }
    }
    if mistakes.is_empty() && wanted.is_empty() {
        mistakes.push(Mistake { line: 1, what: "the list is empty".to_owned() });
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    if mistakes.is_empty() { Ok(wanted) } else { Err(mistakes) }
}

fn heading_columns(line: usize, heading: &[String], mistakes: &mut Vec<Mistake>) -> Columns {
    let mut columns = Columns { password: None, display_name: None, count: heading.len() };
    for (at, title) in heading.iter().enumerate().skip(1) {
        match title.trim().to_ascii_lowercase().as_str() {
            "password" => columns.password = Some(at),
            "display name" | "display-name" | "display_name" => columns.display_name = Some(at),
            other => mistakes.push(Mistake {
                line,
                what: format!("column `{other}` is not known; columns are name, password, display name"),
            }),
        }
    }
    columns
}

fn account(fields: &[String], columns: &Columns) -> Result<Wanted, String> {
    if fields.len() > columns.count {
        return Err(format!(
            "{} fields where at most {} belong; put quotes around a field that holds a comma",
            fields.len(),
            columns.count
        ));
    }
    let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).map_or("", String::as_str);
    let name = prepared_name(&fields[0])?;
    let password = match field(columns.password) {
        "" => None,
        written => {
            Some(Secret::new(prepared_password(written, &name).map_err(|what| format!("`{name}`: {what}"))?))
        }
    };
    let display_name = field(columns.display_name).trim().to_owned();
    if display_name.chars().any(char::is_control) || display_name.len() > 255 {
        return Err(format!(
            "`{name}`: the display name holds a control character or is longer than 255 bytes"
        ));
    }
    Ok(Wanted { name, password, display_name })
}

/// Cuts the text into records of fields, each with the line it begins in; blank lines and `#` lines are left out.
fn records(text: &str) -> (Vec<(usize, Vec<String>)>, Vec<Mistake>) {
    let (mut records, mut mistakes) = (Vec::new(), Vec::new());
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let first_line = rest.split('\n').next().unwrap_or_default();
        if first_line.trim().is_empty() || first_line.starts_with('#') {
            rest = rest.get(first_line.len() + 1..).unwrap_or_default();
            line += 1;
            continue;
        }
        let begins = line;
        match record(rest) {
            Ok((fields, length)) => {
                line += rest[..length].matches('\n').count();
                rest = &rest[length..];
                records.push((begins, fields));
            }
            Err(what) => {
                mistakes.push(Mistake { line: begins, what: what.to_owned() });
                rest = rest.get(first_line.len() + 1..).unwrap_or_default();
                line += 1;
            }
        }
    }
    (records, mistakes)
}

/// One record from the beginning of the text, and how many bytes it takes with its line end.
fn record(text: &str) -> Result<(Vec<String>, usize), &'static str> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut closed = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.next_if(|&(_, next)| next == '"').is_some() => fields[last].push('"'),
            '"' if quoted => (quoted, closed) = (false, true),
            _ if quoted => fields[last].push(c),
            '"' if fields[last].is_empty() && !closed => quoted = true,
            '"' => return Err("a quote within a field; double it and put the whole field in quotes"),
            ',' => {
                fields.push(String::new());
                closed = false;
            }
            '\n' => return Ok((fields, at + 1)),
            '\r' if chars.peek().is_none_or(|&(_, next)| next == '\n') => {}
            _ if closed => return Err("text after a closing quote"),
            _ => fields[last].push(c),
        }
    }
    if quoted { Err("a quote is never closed") } else { Ok((fields, text.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        read(text.as_bytes()).unwrap().into_iter().map(|wanted| wanted.name).collect()
    }

    #[test]
    fn a_list_from_a_spreadsheet_is_read() {
        let text = "\u{feff}name,display name,password\r\n# staff\r\nAlice,\"Alice, of \"\"Ops\"\"\",correct horse\r\n\r\n王芳,王芳\r\n";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(list[0].display_name, "Alice, of \"Ops\"");
        assert_eq!(list[0].password.as_ref().unwrap().expose(), "correct horse");
        assert_eq!((list[1].name.as_str(), list[1].password.is_some()), ("王芳", false));
        assert_eq!(names("alice\nbob,secret-enough,Bob\ncarol,,Carol"), ["alice", "bob", "carol"]);
        let broken = read(b"a,\"pass\nword8\",x\nb b").unwrap_err();
        assert_eq!(broken.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn all_mistakes_come_at_once_with_their_lines() {
        let text = "alice\nbo b\nALICE\ncarol,short\ndave,\"long enough\" x\nerin,a,b,c,d\n\"frank\ngrace";
        let mistakes = read(text.as_bytes()).unwrap_err();
        let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7], "{mistakes:?}");
        assert!(mistakes[1].what.contains("line 1"));
        assert!(
            mistakes
                .iter()
                .all(|mistake| !mistake.what.contains("short") || mistake.what.contains("shorter"))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_list_or_mistakes_within_it(text in "([a-z,\" #\n\r王\u{feff}\t]|name){0,80}|\\PC{0,60}") {
            if let Err(mistakes) = read(text.as_bytes()) {
                let lines = text.split('\n').count();
                assert!(mistakes.iter().all(|it| it.line <= lines), "{mistakes:?}");
            }
        }

        #[test]
        fn any_bytes_are_so_too(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120)) {
            drop(read(&bytes));
        }
    }

    #[test]
    fn what_is_no_list_is_said_to_be_none() {
        assert_eq!(read(b"").unwrap_err()[0].what, "the list is empty");
        assert!(read(b"a\n\xcd\xf5\xb7\xbc").unwrap_err()[0].what.contains("UTF-8"));
        assert_eq!(read(b"a\n\xcd\xf5\xb7\xbc").unwrap_err()[0].line, 2);
        assert!(read(b"name,shoe size\nalice,44").unwrap_err()[0].what.contains("shoe size"));
    }
}
