"use strict";
// Texts of the page in both languages; a task without an entry gets one text field.
const TEXTS = {
  en: {
    language: "中文", models: "Models", skip: "To the input", run: "Answer", other: "Another example", keys: "Ctrl + Enter answers",
    json: "Answer as JSON, and how a program asks", curl: "From a terminal:", busy: "…", lost: "The server does not answer.",
    none: "No answer.", n_best: "answers", confidence: "probabilities", temperature: "temperature", seed: "seed",
    tone: "tones", attention: "attention (Keras starts first, some seconds)", beam_width: "beam width",
    tagging: { text: "A text" }, couplet: { text: "An upper line" }, word2vec: { text: "A word; two to compare; three: a b c asks what is to c as b is to a" },
    title: { text: "An article" }, extraction: { text: "A sentence" }, similarity: { first: "A sentence", second: "Another one" },
    other_task: { text: "A record" },
  },
  zh: {
    language: "English", models: "模型", skip: "跳到输入框", run: "回答", other: "换一个例子", keys: "Ctrl + Enter 提交",
    json: "JSON 形式的回答，以及程序如何调用", curl: "在终端里：", busy: "…", lost: "服务器没有回应。",
    none: "没有结果。", n_best: "答案个数", confidence: "概率", temperature: "温度", seed: "随机种子",
    tone: "平仄", attention: "注意力（先启动 Keras，需几秒）", beam_width: "束宽",
    tagging: { text: "一段文字" }, couplet: { text: "上联" }, word2vec: { text: "一个词；两个词比较相似度；三个词 a b c：b 之于 a，如同什么之于 c" },
    title: { text: "一篇文章" }, extraction: { text: "一个句子" }, similarity: { first: "一个句子", second: "另一个句子" },
    other_task: { text: "一条记录" },
  },
};
// Chinese summaries by task; the server sends English ones.
const CHINESE_SUMMARIES = {
  tagging: "分词、命名实体、词性", couplet: "对对联：按规则对出下联", word2vec: "词向量：近义词、类比", title: "为文章写标题",
  extraction: "抽取三元组：主语、谓语、宾语", similarity: "句向量：两句话是不是一个意思",
};
const EXAMPLES = {
  tagging: ["今天天气真好，我们去北京大学散步。", "张伟昨天从上海飞到成都，参加第三届人工智能大会。", "她把旧信一封一封地看完，才慢慢站起来。"],
  couplet: ["白日依山尽", "春风得意马蹄疾", "明月松间照"],
  word2vec: ["高兴", "北京", "高兴 开心", "中国 北京 日本"],
  title: ["记者从国家统计局获悉，今年前三季度，全国粮食生产形势较好，秋粮收获已过八成。各地抓紧抢收晚稻，同时做好冬小麦播种工作，农业部门派出技术人员到田间指导。"],
  extraction: ["《红楼梦》的作者是曹雪芹，书中的主角是贾宝玉。"],
  similarity: [["怎么修改密码", "密码忘了如何重设"]],
};
// Options that the page offers, with their initial values.
const CHOICES = {
  tagging: { confidence: false }, couplet: { n_best: 4, tone: false }, word2vec: { n_best: 20 },
  title: { n_best: 3, attention: false }, extraction: {}, similarity: {},
};
const ALWAYS_PICTURED = ["word2vec", "extraction"];

const $ = (id) => document.getElementById(id);
let models = [], model = null, language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
let turn = 0, asked = 0;

function words(name) {
  return TEXTS[language][name];
}

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function fieldsOf(task) {
  return words(task) || words("other_task");
}

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  $("language").textContent = words("language");
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = words(each.dataset.text);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", words(each.dataset.label));
  if (!model) return;
  $("summary").textContent = (language === "zh" && CHINESE_SUMMARIES[model.task]) || model.summary;
  $("limits").textContent = model.limits ? `${model.name}: ${model.limits} (${model.licence})` : "";
  for (const each of $("panel").querySelectorAll("label[data-name]"))
    each.querySelector("span").textContent = fieldsOf(model.task)[each.dataset.name] || words(each.dataset.name);
}

function choose(chosen, isFocused = false) {
  model = chosen;
  turn = 0;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const isChosen = tab.textContent === model.name;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    if (isChosen) {
      $("panel").setAttribute("aria-labelledby", tab.id);
      if (isFocused) tab.focus();
    }
  }
  $("fields").replaceChildren(...Object.keys(fieldsOf(model.task)).map((name, place) => {
    const area = element("textarea", { id: place ? `record-${place}` : "record", rows: model.task === "title" ? 6 : 2 });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answer(event);
    });
    const label = element("label", { htmlFor: area.id }, element("span"));
    label.dataset.name = name;
    return element("div", {}, label, area);
  }));
  const known = new Set(model.options.map((each) => each.name));
  const offered = Object.entries(CHOICES[model.task] || {}).filter(([name]) => known.has(name) || name === "attention" || name === "tone");
  $("choices").replaceChildren(...offered.map(([name, value]) => {
    const input = typeof value === "boolean"
      ? element("input", { type: "checkbox", checked: value })
      : element("input", { type: "number", min: 1, max: 100, value });
    input.name = name;
    const label = element("label", {}, input, element("span"));
    label.dataset.name = name;
    return label;
  }));
  $("answers").replaceChildren();
  $("json").textContent = $("curl").textContent = "";
  translate();
  fill();
  history.replaceState(null, "", `#${encodeURIComponent(model.name)}`);
  answer();
}

function examples() {
  const own = EXAMPLES[model.task] || [];
  return [...model.examples.filter((each) => !own.includes(each)), ...own];
}

function fill() {
  const all = examples(), example = all.length ? all[turn % all.length] : "";
  $("panel").querySelectorAll("textarea").forEach((area, place) => {
    area.value = Array.isArray(example) ? example[place] || "" : place ? "" : example;
  });
}

function question() {
  const texts = [...$("panel").querySelectorAll("textarea")].map((each) => each.value.trim());
  const options = {}, asked = { records: [texts.length > 1 ? texts : texts[0]] };
  let show = ALWAYS_PICTURED.includes(model.task) ? "picture" : "html";
  for (const input of $("choices").querySelectorAll("input")) {
    if (input.name === "attention") show = input.checked ? "picture" : show;
    else if (input.name === "tone") { if (input.checked) options.rules = "no_copy,no_share,repetition,punctuation,tone"; }
    else if (input.type === "checkbox") { if (input.checked) options[input.name] = true; }
    else options[input.name] = Number(input.value);
  }
  if (Object.keys(options).length) asked.options = options;
  return { ...asked, show };
}

async function answer(event) {
  if (event) event.preventDefault();
  const own = ++asked, body = question(), address = `/api/models/${encodeURIComponent(model.name)}`;
  $("run").setAttribute("aria-busy", "true");
  let shown, content = null;
  try {
    const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    content = await response.json();
    if (response.ok) {
      shown = element("div", { innerHTML: content.html.join("") || words("none") });  // the server escapes texts
      delete content.html;
    } else shown = element("p", { className: "error", textContent: content.error });
  } catch {
    shown = element("p", { className: "error", textContent: words("lost") });
  }
  if (own !== asked) return;  // another request was sent meanwhile
  $("run").removeAttribute("aria-busy");
  const warnings = ((content && content.problems) || []).map((each) => element("p", { className: "error", textContent: each.reason }));
  $("answers").replaceChildren(shown, ...listed(content), ...warnings);
  $("json").textContent = content ? JSON.stringify(content, null, 1) : "";
  const plain = JSON.stringify({ ...body, show: undefined });
  $("curl").textContent = `curl ${location.origin}${address} -d '${plain.replaceAll("'", "'\\''")}'`;
}

// Lower lines and titles after the first, which is shown apart.
function listed(content) {
  const [first] = (content && content.answers) || [];
  if (!first || !["couplet", "title"].includes(model.task)) return [];
  const rest = (first.answers || first.titles || []).slice(1).map((each) => element("li", { textContent: each.lower || each.title }));
  return rest.length ? [element("ol", { start: 2 }, ...rest)] : [];
}

function move(event) {
  const tabs = [...document.querySelectorAll("[role=tab]")], place = tabs.indexOf(document.activeElement);
  const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (place < 0 || to === undefined) return;
  event.preventDefault();
  choose(models[(to + tabs.length) % tabs.length], true);
}

// Name of a model after the # of the address, or an empty string if it is malformed, such as "%".
function nameInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

async function open() {
  $("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    localStorage.setItem("language", language);
    translate();
  });
  document.querySelector("form").addEventListener("submit", answer);
  $("other").addEventListener("click", () => { turn += 1; fill(); });
  translate();
  try {
    models = (await (await fetch("/api/models")).json()).models;
  } catch {
    $("answers").replaceChildren(element("p", { className: "error", textContent: words("lost") }));
    return;
  }
  const list = document.querySelector("[role=tablist]");
  list.replaceChildren(...models.map((each, place) => {
    const tab = element("button", { type: "button", textContent: each.name, id: `tab-${place}`, onclick: () => choose(each) });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    return tab;
  }));
  list.addEventListener("keydown", move);
  const wanted = nameInAddress();
  choose(models.find((each) => each.name === wanted) || models[0]);
}

open();
