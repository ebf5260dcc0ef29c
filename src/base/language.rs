//! The languages imctl speaks, and the phrases that frame its answers. Rooms speak English values; what stands around
//! them on the terminal comes from here. Translations of a room's own table stand beside that table.

use std::fmt;

/// A language of the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// The language of a `--lang` value; English for anything unknown.
    pub fn of(word: &str) -> Self {
        if word.eq_ignore_ascii_case("zh") { Self::Zh } else { Self::En }
    }

    /// A phrase with its placeholders filled in.
    ///
    /// # Panics
    /// When the phrase is not in the catalogue; a test calls each.
    pub fn say(self, phrase: Phrase, words: &[(&str, &dyn fmt::Display)]) -> String {
        let (_, en, zh) = CATALOGUE
            .iter()
            .find(|(known, ..)| *known == phrase)
            .expect("every phrase has its line; a test asks for each");
        let mut text = match self {
            Self::En => (*en).to_owned(),
            Self::Zh => (*zh).to_owned(),
        };
        for (name, value) in words {
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        text
    }
}

macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident: $en:literal, $zh:literal;)*) => {
        /// A phrase of the catalogue.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Phrase {
            $($(#[$doc])* $name,)*
        }

        /// Each phrase in both languages.
        const CATALOGUE: &[(Phrase, &str, &str)] = &[$((Phrase::$name, $en, $zh),)*];
    };
}

phrases! {
    /// Before the number and message of an error.
    Error: "Error {number}:", "错误 {number}:";
    /// Before what helps.
    Help: "help", "建议";
    /// Before what an error number means in general.
    Meaning: "meaning", "说明";
    /// After a single mistake of an inventory.
    OneMistake: "1 mistake in {file}; nothing was contacted.", "{file} 中有 1 处错误；没有连接任何主机。";
    /// After the mistakes of an inventory.
    Mistakes: "{count} mistakes in {file}; nothing was contacted.", "{file} 中有 {count} 处错误；没有连接任何主机。";
    /// What a key's value looks like.
    Value: "value", "取值";
    /// What counts without the key.
    Default: "default", "默认";
    /// A value that works.
    Example: "example", "示例";
    /// In place of the default of a required key.
    Required: "must be there", "必填";
    /// How a command ends.
    ExitCode: "exit code", "退出码";
    /// The columns of a table of findings.
    FindingsHead: "|id|host|what|seen|needed|because", "|编号|主机|检查项|实际|要求|原因";
    /// What stands below a finding: hosts, reason, what helps.
    FindingsBelow: "hosts|because|fix", "主机|原因|处理";
    /// What was not judged, for the service as a whole.
    NotJudged: "not judged: {ids}: {because}", "未检查：{ids}：{because}";
    /// What was not judged on some hosts.
    NotJudgedOn: "not judged: {ids} on {hosts}: {because}", "未检查：{hosts} 上的 {ids}：{because}";
    /// Somebody answers for a finding.
    WaivedFinding: "waived: {id} until {until} by {owner}: {reason}", "已豁免：{id}，至 {until}，责任人 {owner}：{reason}";
    /// What no program can judge.
    NotTested: "not tested: {what}", "未测试：{what}";
    /// What comes of a scan.
    ScanScore: "Score {score} of 100, grade {grade}.", "得分 {score}（满分 100），等级 {grade}。";
    /// A scan in one line.
    ScanLine: "Security  {critical} critical, {high} high, {medium} medium, {low} low, grade {grade}; all of it:  {again}", "安全扫描  严重 {critical}，高危 {high}，中危 {medium}，低危 {low}，等级 {grade}；完整扫描：{again}";
    /// How to see what passed, too.
    AllFindings: "all: imctl {command} --all", "查看全部：imctl {command} --all";
    /// Where a finding is told about.
    MoreAboutFinding: "Details and fixes:  imctl explain {id}", "详情与处理：imctl explain {id}";
    /// The parts of what is told about a check.
    CheckParts: "needed|because|fix", "要求|原因|处理";
    /// Where the acceptance report is, after an installation.
    AcceptanceReport: "Acceptance report  {page}", "验收报告  {page}";
    /// The columns of the history.
    HistoryHead: "no|when (UTC)|who|what|outcome|took|why", "编号|时间（UTC）|操作人|操作|结果|用时|原因";
    /// Below the history.
    HistoryCount: "{shown} of {total} shown. One of them:  {again}", "共 {total} 项，显示 {shown} 项。查看某一项：{again}";
    /// Where nothing was ever done.
    NoHistory: "{name}: nothing was done yet", "{name}：尚无任何操作";
    /// An operation whose end is not recorded.
    NoEnd: "began, no end is recorded", "已开始，没有结束记录";
    /// What is told about one operation.
    OperationParts: "when|who|why|ticket|release|hosts|folder", "时间|操作人|原因|工单|版本|主机|目录";
    /// Below the list of keys.
    MoreAboutKeys: "* must be there. More about one: imctl explain KEY", "* 为必填。查看某一项：imctl explain KEY";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_phrase_has_the_same_placeholders_in_both_languages() {
        for (phrase, en, zh) in CATALOGUE {
            assert_eq!(placeholders(en), placeholders(zh), "{phrase:?}");
            assert_eq!(en.matches('|').count(), zh.matches('|').count(), "{phrase:?}");
            assert!(!en.is_empty() && !zh.is_empty(), "{phrase:?}");
            assert!(!Language::Zh.say(*phrase, &[]).is_empty());
        }
    }

    #[test]
    fn a_phrase_is_filled_in() {
        let words: [(&str, &dyn fmt::Display); 2] = [("file", &"a.yml"), ("count", &2)];
        assert_eq!(
            Language::of("en").say(Phrase::Mistakes, &words),
            "2 mistakes in a.yml; nothing was contacted."
        );
        assert_eq!(
            Language::of("zh").say(Phrase::Mistakes, &words),
            "a.yml 中有 2 处错误；没有连接任何主机。"
        );
    }
}
