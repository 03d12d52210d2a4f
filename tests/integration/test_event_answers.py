"""What is quoted when somebody asks whether an event is paid, over the real sheets.

The rows name a clause by words of it, never by its number.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from action_kit import Ear, FakeStore, services_of, turn_of, with_services

from actions.agreement.library import Library, open_library
from actions.ask_product import ActionAskCoverage, ActionAskExclusion
from actions.settings import read_settings

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
FORMS = (
    "{p}{e}赔不赔",
    "{p}{e}赔吗",
    "{p}{e}能不能赔",
    "{p}{e}给不给赔",
    "{p}{e}包不包",
    "{p}{e}管不管",
    "{p}{e}算不算",
    "{p}{e}算不算保险责任",
    "{p}{e}保不保",
    "{p}{e}能报吗",
    "{p}里{e}给报销吗",
    "我买了{p}，{e}的话你们赔还是不赔啊",
    "{e}是不是不赔，{p}",
    "{p}{e}可以理赔么？",
    "請問{p}{e}會賠嗎",
)
COVERED = {
    "车险": {
        "碰撞、倾覆": "碰撞 倾覆 坠落 火灾 爆炸 自燃 暴雨 洪水 冰雹 台风 外界物体坠落 "
        "玻璃单独破碎 发动机涉水 整车被盗抢",
        "车外第三者人身伤亡": "第三者人身伤亡 第三者财产损失 第三者责任",
        "车辆发生事故造成驾驶人和乘客": "车上人员伤亡 乘客",
        "吊车、拖车、灭火": "吊车 灭火 施救费用",
    },
    "家财险": {
        "火灾、爆炸、雷击": "火灾 爆炸 雷击 台风 暴雨 洪水 冰雹 雪灾 泥石流 外界物体坠落倒塌",
        "家具、家用电器": "家具 家用电器 床上用品 衣物 便携电子产品",
        "室内自来水管": "水暖管爆裂 自来水管破裂 暖气管突然破裂 地暖管",
        "入室盗窃或者抢劫": "入室盗窃 抢劫 盗抢 门窗门锁的修复",
        "因房屋漏水": "房屋漏水 阳台物品坠落 饲养宠物伤人",
    },
    "意外险": {
        "意外身故保险金": "意外身故",
        "意外伤残保险金": "意外伤残 伤残",
        "意外医疗保险金": "意外医疗",
        "意外住院津贴": "住院津贴 住院",
    },
    "重疾险": {
        "一百二十种重大疾病": "重大疾病",
        "二十五种中症": "中症",
        "五十种轻症": "轻症 原位癌 轻度脑中风后遗症 冠状动脉介入手术",
        "身故保险金：": "身故",
        "视同已经交纳": "保险费豁免",
    },
    "百万医疗险": {
        "床位费、药品费": "住院医疗费用 床位费 药品费 检查费 手术费 护理费 急诊费用",
        "门诊肾透析": "门诊肾透析 放疗 化疗 靶向治疗 免疫治疗 抗排异治疗 门诊手术费用",
        "一百种重大疾病": "重大疾病 质子重离子治疗 质子",
        "向医院支付押金": "住院费用垫付 垫付押金",
    },
    "定期寿险": {
        "无论因疾病还是因意外": "身故 疾病身故 意外身故",
        "双目永久完全失明": "全残 双目永久完全失明 两上肢腕关节以上缺失 四肢功能永久完全丧失",
        "终身寿险": "转换为终身寿险",
    },
}
EXCLUDED = {
    "车险": {
        "饮酒、吸毒": "饮酒 吸毒 服用国家管制的精神药品 没有驾驶证 驾驶证被暂扣 与准驾车型不符 "
        "事故后逃离现场 伪造现场 毁灭证据",
        "车辆被扣押": "车辆被扣押 未按规定年检 号牌被注销 竞赛 测试 营业性维修场所",
        "从事网约车": "网约车 货运 营运活动",
        "自然磨损、腐蚀": "自然磨损 腐蚀 故障 轮胎单独损坏 车轮单独损坏 "
        "自然老化的划痕 涉水熄火后强行再次启动",
        "停驶、贬值": "家庭成员的财产损失 车上货物的损失 停驶 贬值 罚款 精神损害抚慰金",
    },
    "家财险": {
        "违法搭建": "故意行为 违法搭建 擅自拆改承重结构 家庭雇员监守自盗",
        "地震、海啸": "地震 海啸 战争 核辐射 政府征收拆除 房屋自然老化 虫蛀鼠咬 霉变 设计施工缺陷",
        "金银珠宝": "金银珠宝 古玩字画 有价证券 票据 文件账册 电脑数据 烟酒食品 药品 植物",
        "自身短路": "电器自身短路 超电压 质量缺陷 门窗未锁被顺手牵羊 无撬痕的丢失",
    },
    "意外险": {
        "药物过敏、食物中毒": "疾病 药物过敏 医疗事故 流产 流产分娩 整容手术 猝死 病理性骨折",
        "主动挑衅": "投保人故意造成的伤害 自杀 自伤 故意犯罪 主动挑衅 参与斗殴 斗殴",
        "骑乘电动自行车": "酒后驾驶 无证驾驶 驾驶无牌车辆 非法改装的车辆 吸毒 醉酒",
        "潜水、滑雪": "潜水 滑雪 跳伞 攀岩 蹦极 赛车 武术比赛 探险 战争 暴乱 核辐射",
    },
    "重疾险": {
        "抗拒依法采取的刑事强制措施，由此": "故意杀害 故意伤害 故意自伤",
        "注射毒品": "吸食毒品 酒后驾驶 无合法有效驾驶证驾驶 驾驶无有效行驶证的机动车",
        "遗传性疾病": "遗传性疾病 先天性畸形 染色体异常 艾滋病",
        "既往疾病": "既往疾病 战争 军事冲突 暴乱 核污染",
        "二年内自杀": "自杀",
    },
    "百万医疗险": {
        "既往症及其并发症": "既往症 并发症",
        "遗传性疾病": "遗传性疾病 先天性畸形 职业病 艾滋病 性传播疾病 精神和行为障碍 戒酒 戒毒治疗",
        "怀孕、流产": "怀孕 流产 分娩 避孕 不孕不育治疗 美容整形 矫正视力 牙齿修复 "
        "健康体检 疗养康复 保健食品",
        "私立医院": "私立医院 特需部 国际部 康复医院 疗养院 自行购买药品",
        "酗酒、吸毒": "故意犯罪 斗殴 酗酒 吸毒 酒后驾驶 无证驾驶 潜水 跳伞 攀岩 赛车 战争 核辐射",
    },
    "定期寿险": {
        "受益人故意造成": "故意杀害 故意伤害",
        "被保险人故意犯罪": "故意犯罪 抗拒依法采取的刑事强制措施",
        "二年内自杀": "自杀",
        "故意隐瞒病情": "故意隐瞒病情 重大过失未告知",
    },
}
# What customers say instead, with slips: product, words, words of the clause.
SAID_OTHERWISE = [
    ("车险", "酒驾", "饮酒、吸毒", True),
    ("车险", "醉驾撞人", "饮酒、吸毒", True),
    ("车险", "没驾照开车", "饮酒、吸毒", True),
    ("车险", "肇事逃逸", "饮酒、吸毒", True),
    ("车险", "跑滴滴", "从事网约车", True),
    ("车险", "二次点火", "自然磨损、腐蚀", True),
    ("车险", "爆胎", "自然磨损、腐蚀", True),
    ("车险", "追尾", "碰撞、倾覆", False),
    ("车险", "车自然了", "碰撞、倾覆", False),
    ("车险", "发动机进水", "碰撞、倾覆", False),
    ("车险", "车被偷了", "碰撞、倾覆", False),
    ("车险", "挡风玻璃裂了", "碰撞、倾覆", False),
    ("家财险", "家里着火了", "火灾、爆炸、雷击", False),
    ("家财险", "水管爆了", "室内自来水管", False),
    ("家财险", "狗咬人了", "因房屋漏水", False),
    ("家财险", "进贼了", "入室盗窃或者抢劫", False),
    ("家财险", "墙发霉", "地震、海啸", True),
    ("家财险", "白蚁咬了家具", "地震、海啸", True),
    ("家财险", "保姆偷东西", "违法搭建", True),
    ("意外险", "过劳死", "药物过敏、食物中毒", True),
    ("意外险", "跟人打架受伤", "主动挑衅", True),
    ("意外险", "喝多了摔伤", "骑乘电动自行车", True),
    ("意外险", "病理性骨析", "药物过敏、食物中毒", True),
    ("百万医疗险", "种牙", "怀孕、流产", True),
    ("百万医疗险", "剖腹产", "怀孕、流产", True),
    ("百万医疗险", "老毛病", "既往症及其并发症", True),
    ("百万医疗险", "抑郁症", "遗传性疾病", True),
    ("百万医疗险", "做化疗", "门诊肾透析", False),
    ("定期寿险", "跳楼", "二年内自杀", True),
    ("定期寿险", "病死", "无论因疾病还是因意外", False),
    ("重疾险", "做心脏支架", "五十种轻症", False),
    ("重疾险", "hiv", "遗传性疾病", True),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/agreement.db"
    return open_library(read_settings(root=ROOT, database_url=url), NOW)


def ask(library: Library, kind, text: str, **slots: str):
    services = replace(services_of(FakeStore()), library=lambda: library)
    ear = Ear()
    intent = kind().intent
    with_services(kind, services).answer(turn_of(text, intent, slots=slots), ear.say)
    (said,) = ear.heard
    return said


def clause_with(library: Library, product: str, words: str) -> str:
    code = library.resolve_product(product).code
    (ref,) = [
        clause.ref
        for clause in library.clauses(code)
        if words in clause.text and clause.path and clause.path[0] in SIDES
    ]
    return ref


def asked(product: str, event: str):
    """Every form; a few of them under the other wish, which must not matter."""
    texts = [form.format(p=product, e=event) for form in FORMS]
    yield from ((ActionAskCoverage, text) for text in texts)
    yield from ((ActionAskExclusion, text) for text in texts[:3])


SIDES = ("保险责任", "责任免除")


def rows(table):
    return [
        pytest.param(product, words, event, id=f"{product}-{event}")
        for product, clauses in table.items()
        for words, events in clauses.items()
        for event in events.split()
    ]


@pytest.mark.parametrize(("product", "words", "event"), rows(COVERED))
def test_that_what_is_covered_is_answered_from_the_cover_however_it_is_asked(
    library, product, words, event
):
    wanted = clause_with(library, product, words)
    for kind, text in asked(product, event):
        said = ask(library, kind, text)
        assert said.response == "utter_coverage", text
        assert wanted in said.refs, text


@pytest.mark.parametrize(("product", "words", "event"), rows(EXCLUDED))
def test_that_what_is_excluded_is_answered_from_the_exclusion_however_it_is_asked(
    library, product, words, event
):
    wanted = clause_with(library, product, words)
    for kind, text in asked(product, event):
        said = ask(library, kind, text)
        assert said.response in ("utter_exclusion", "utter_event_both"), text
        assert said.refs[0] == wanted, text


@pytest.mark.parametrize(("product", "event", "words", "excluded"), SAID_OTHERWISE)
def test_that_customers_words_lead_to_the_clause_that_names_the_event(
    library, product, event, words, excluded
):
    wanted = clause_with(library, product, words)
    answered = (
        {"utter_exclusion", "utter_event_both"} if excluded else {"utter_coverage"}
    )
    for kind, text in asked(product, event):
        said = ask(library, kind, text)
        assert said.response in answered, text
        assert said.refs[0] == wanted if excluded else wanted in said.refs, text


@pytest.mark.parametrize(
    ("product", "event", "excluded", "covered"),
    [
        ("家财险", "首饰被偷", "金银珠宝", "入室盗窃或者抢劫"),
        ("家财险", "宠物", "金银珠宝", "因房屋漏水"),
        ("车险", "酒驾撞车", "饮酒、吸毒", "碰撞、倾覆"),
        ("车险", "暴雨天熄火后二次点火", "自然磨损、腐蚀", "碰撞、倾覆"),
    ],
)
def test_that_of_both_sides_the_exclusion_comes_first_and_nothing_is_promised(
    library, product, event, excluded, covered
):
    wanted = [clause_with(library, product, words) for words in (excluded, covered)]
    for form in FORMS:
        said = ask(library, ActionAskCoverage, form.format(p=product, e=event))
        assert said.response == "utter_event_both"
        assert said.refs[0] == wanted[0]
        assert wanted[1] in said.refs


@pytest.mark.parametrize(
    ("product", "event", "words"),
    [
        ("意外险", "集体食物中毒", "食物中毒"),
        ("意外险", "电动自行车未戴头盔", "骑乘电动自行车"),
        ("意外险", "正当防卫", "主动挑衅"),
        ("重疾险", "输血感染艾滋病", "遗传性疾病"),
    ],
)
def test_that_an_exception_from_an_exclusion_is_not_called_excluded(
    library, product, event, words
):
    wanted = clause_with(library, product, words)
    for form in FORMS:
        said = ask(library, ActionAskExclusion, form.format(p=product, e=event))
        assert said.response == "utter_event_both"
        assert said.refs[0] == wanted


@pytest.mark.parametrize(
    ("product", "event"),
    [
        ("意外险", "被外星人抓走"),
        ("车险", "方向盘被孩子咬坏"),
        ("家财险", "被网友骗了三万块"),
        ("重疾险", "感冒发烧"),
        ("百万医疗险", "植发"),
        ("定期寿险", "失业"),
    ],
)
def test_that_what_no_clause_names_is_said_and_a_human_offered(library, product, event):
    for form in FORMS:
        said = ask(library, ActionAskCoverage, form.format(p=product, e=event))
        assert said.response == "utter_event_unnamed", form
        assert said.refs == []


def test_that_a_kind_of_the_event_is_not_taken_for_the_event(library):
    said = ask(library, ActionAskCoverage, "车险划痕赔不赔")
    assert said.response == "utter_event_mentioned"  # only 自然老化的划痕 is excluded
    said = ask(library, ActionAskCoverage, "意外险骨折赔吗")
    assert said.response == "utter_event_both"  # 病理性骨折 is excluded
    assert clause_with(library, "意外险", "意外医疗保险金") in said.refs


def test_that_what_a_benefit_leaves_out_is_not_called_covered(library):
    said = ask(library, ActionAskCoverage, "家财险长期渗漏赔吗")
    assert said.response == "utter_exclusion"
    assert said.refs == [clause_with(library, "家财险", "室内自来水管")]


def test_that_a_clause_outside_both_sections_is_quoted_without_a_verdict(library):
    said = ask(library, ActionAskCoverage, "意外险中暑赔不赔")
    assert said.response == "utter_event_mentioned"
    code = library.resolve_product("意外险").code
    assert "中暑" in library.clause(said.refs[0], code).text


@pytest.mark.parametrize(
    ("kind", "text", "response"),
    [
        (ActionAskExclusion, "车险哪些不赔", "utter_exclusion"),
        (ActionAskExclusion, "意外险什么情况不赔", "utter_exclusion"),
        (ActionAskCoverage, "重疾险保哪些病", "utter_coverage"),
        (ActionAskCoverage, "百万医疗险保什么", "utter_coverage"),
        (ActionAskExclusion, "百万医疗险的免赔额是多少", "utter_coverage"),
    ],
)
def test_that_a_question_for_the_whole_section_is_answered_by_its_wish(
    library, kind, text, response
):
    assert ask(library, kind, text).response == response


def test_that_the_question_before_the_choice_of_a_product_decides(library):
    slots = {"pending_question": "自燃赔不赔", "pending_intent": "ask_exclusion"}
    said = ask(library, ActionAskExclusion, "车险的", **slots)
    assert said.response == "utter_coverage"
    assert said.refs == [clause_with(library, "车险", "碰撞、倾覆")]


@pytest.mark.parametrize("char", ["能", "不", "赔", "能不", "是不是", "，", "保"])
def test_that_hostile_repetition_is_answered(library, char):
    said = ask(library, ActionAskCoverage, "车险" + char * 2000 + "吗")
    assert said.response.startswith("utter_")
