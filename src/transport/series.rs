//! Deeds that are done one after the other in one program, up to the first that fails: scripts, and files written
//! whole. For what takes longer to ask for than to do.

use super::session::{Exec, LinkError, Output, Session};
use super::upload::time_for;
use crate::base::quote;
use std::time::{Duration, Instant};

/// One of several deeds.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// A POSIX sh program as root without input.
    Run {
        /// The program.
        script: &'a str,
        /// How long it may take.
        within: Duration,
    },
    /// A file written whole, as `Session::upload` does.
    Upload {
        /// Absolute path.
        path: &'a str,
        /// Content.
        content: &'a [u8],
        /// Four octal digits.
        mode: &'a str,
        /// Owner's name.
        owner: &'a str,
        /// Group's name.
        group: &'a str,
    },
}

/// How far several deeds came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// How long each took that was done, in order.
    pub took: Vec<Duration>,
    /// What the one after them left, when it failed: a status other than 0, and why.
    pub failure: Option<Output>,
}

/// Several deeds together may take so long, or as long as the longest alone.
const TOGETHER: Duration = Duration::from_mins(10);

/// What comes before that which a deed says on standard error.
const MARK: &str = "\0imctl deed\n";

const DRIVER: &str = include_str!("series.pl");

/// The program that does these deeds, with them as its input.
pub(super) fn program(deeds: &[Deed<'_>]) -> Exec {
    let mut input = size(deeds.len()).to_vec();
    for deed in deeds {
        let (letter, fields) = match deed {
            Deed::Run { script, .. } => (b'r', vec![script.as_bytes()]),
            Deed::Upload { path, content, mode, owner, group } => {
                let names = [path, mode, owner, group].map(|name| name.as_bytes());
                (b'u', [&names[..], &[content]].concat())
            }
        };
        input.push(letter);
        for field in fields {
            input.extend_from_slice(&size(field.len()));
            input.extend_from_slice(field);
        }
    }
    Exec::new(format!("exec perl -e {}\n", quote(DRIVER)), within(deeds)).input(input)
}

/// What the program tells of itself.
pub(super) fn answer(output: &Output) -> Series {
    let said = String::from_utf8_lossy(&output.stdout);
    let ends = said.lines().filter_map(|line| line.strip_prefix("done ")?.parse::<f64>().ok());
    let ends: Vec<f64> = ends.collect();
    let took = ends.windows(2).map(|pair| Duration::from_secs_f64((pair[1] - pair[0]).max(0.0))).collect();
    let failure = (output.status != 0).then(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.rsplit(MARK).next().unwrap_or_default();
        Output { status: output.status, stdout: Vec::new(), stderr: last.as_bytes().to_vec() }
    });
    Series { took, failure }
}

/// The same with a program or an upload each, for connections that are none.
pub(super) async fn one_by_one<S: Session + ?Sized>(
    link: &S,
    deeds: &[Deed<'_>],
) -> Result<Series, LinkError> {
    let mut series = Series::default();
    for deed in deeds {
        let begun = Instant::now();
        let output = match deed {
            Deed::Run { script, within } => link.exec(Exec::new(*script, *within)).await?,
            Deed::Upload { path, content, mode, owner, group } => {
                match link.upload(path, content, mode, owner, group).await {
                    Ok(()) => Output::default(),
                    Err(LinkError::Upload { cause, .. }) => {
                        Output { status: 1, stderr: cause.into_bytes(), ..Output::default() }
                    }
                    Err(cause) => return Err(cause),
                }
            }
        };
        if output.status != 0 {
            series.failure = Some(output);
            break;
        }
        series.took.push(begun.elapsed());
    }
    Ok(series)
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("pieces are far below 4 GiB").to_be_bytes()
}

fn within(deeds: &[Deed<'_>]) -> Duration {
    let times = deeds.iter().map(|deed| match deed {
        Deed::Run { within, .. } => *within,
        Deed::Upload { content, .. } => time_for(content.len()),
    });
    let longest = times.clone().max().unwrap_or_default();
    times.sum::<Duration>().min(TOGETHER).max(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::{Command, Stdio};

    fn done(deeds: &[Deed<'_>]) -> Series {
        let exec = program(deeds);
        let mut child = Command::new("sh")
            .args(["-c", &exec.script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(exec.input.expose()).unwrap();
        let output = child.wait_with_output().unwrap();
        let status = output.status.code().unwrap();
        answer(&Output { status, stdout: output.stdout, stderr: output.stderr })
    }

    fn run(script: &str) -> Deed<'_> {
        Deed::Run { script, within: Duration::from_secs(9) }
    }

    #[test]
    fn deeds_are_done_in_order_up_to_the_first_that_fails() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let (log, file, never) = (at("log"), at("a 'b'"), at("never"));
        std::fs::write(at(".a 'b'.imctl-abcdef"), "left over").unwrap();
        let me = std::fs::metadata(place.path()).unwrap();
        let (user, group) = (me.uid().to_string(), me.gid().to_string());
        let upload =
            |path| Deed::Upload { path, content: b"one\0two", mode: "0640", owner: &user, group: &group };
        let first =
            format!("echo noise; echo \"$0 $#\" | wc -l >>'{log}'; read -r line; echo \"[$line]\" >>'{log}'");
        let series = done(&[run(&first), upload(&file), run("echo why >&2; exit 7"), upload(&never)]);
        assert_eq!(series.took.len(), 2);
        let failure = series.failure.unwrap();
        assert_eq!((failure.status, failure.text().as_str()), (7, "why"));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "1\n[]\n");
        assert_eq!(std::fs::read(&file).unwrap(), b"one\0two");
        let mut left: Vec<_> =
            std::fs::read_dir(place.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a 'b'", "log"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file").to_str().unwrap().to_owned();
        let upload = |path, owner| Deed::Upload { path, content: b"text", mode: "0600", owner, group: "0" };
        for (path, owner, why) in [
            (path.as_str(), "nobody-of-this-name", "there is no `nobody-of-this-name` here"),
            ("/nowhere/at/all", "0", "`/nowhere/at/`: No such file or directory"),
        ] {
            let series = done(&[upload(path, owner)]);
            assert_eq!((series.took.len(), series.failure.unwrap().text().as_str()), (0, why));
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn together_they_have_ten_minutes_or_as_long_as_the_longest() {
        let deed = |minutes| Deed::Run { script: "", within: Duration::from_mins(minutes) };
        for (deeds, minutes) in [(vec![deed(2); 3], 6), (vec![deed(2); 9], 10), (vec![deed(2), deed(30)], 30)]
        {
            assert_eq!(within(&deeds), Duration::from_mins(minutes));
        }
    }
}
