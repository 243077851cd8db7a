"""Places that goods come from, and which lies in which: enough to compare what is said with what is listed."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PROVINCES = """
新疆: 阿克苏 库尔勒 和田 吐鲁番 哈密 喀什 若羌 伊犁 乌鲁木齐 石河子 阿勒泰 昌吉 巴州 叶城 天山
西藏: 林芝 拉萨 日喀则 那曲 墨脱
云南: 昆明 大理 丽江 普洱 勐海 西双版纳 版纳 保山 昭通 文山 临沧 冰岛 易武 景迈 蒙自 元谋 香格里拉 瑞丽 腾冲 老班章
四川: 成都 攀枝花 大凉山 凉山 眉山 蒲江 雅安 安岳 汉源 会理 郫县 宜宾 泸州 绵阳 阿坝 乐山 自贡
贵州: 贵阳 茅台镇 遵义 湄潭 都匀 六盘水 黔东南 修文
广西: 百色 桂林 南宁 柳州 横县 梧州 北海 容县 武鸣 玉林 恭城 荔浦 北流
广东: 广州 深圳 东莞 佛山 四会 揭阳 潮州 汕头 新会 茂名 湛江 徐闻 高州 英德 中山 惠州 珠海 普宁 阳江 顺德 平洲 江门 清远 增城 从化
海南: 三亚 海口 文昌 昌江 陵水 万宁 澄迈 琼海
福建: 福州 厦门 泉州 武夷山 安溪 福鼎 政和 莆田 漳州 古田 晋江 宁德 南安 桐木关 霞浦 连江 石狮 德化
江西: 赣南 赣州 景德镇 南丰 婺源 南昌 九江 庐山 寻乌 信丰 万年
湖南: 长沙 安化 湘西 永州 浏阳 常德 炎陵 麻阳 醴陵 邵阳 邵东
湖北: 武汉 潜江 恩施 宜昌 秭归 随州 荆州 洪湖 孝感 赤壁 十堰
河南: 许昌 洛阳 焦作 温县 灵宝 新郑 信阳 南阳 郑州 开封 镇平 禹州 西峡 三门峡 杞县 原阳
河北: 石家庄 沧州 赵县 白沟 辛集 保定 平泉 迁西 承德 衡水 唐山 安平
山东: 烟台 青岛 栖霞 章丘 寿光 潍坊 威海 临沂 日照 沾化 东阿 莱阳 滨州 淄博 济南 金乡 平阴 菏泽 曹县 荣成 蒙阴 即墨 沂蒙山
山西: 太原 大同 临汾 吉县 运城 汾阳 沁县 平遥 清徐 杏花村 稷山
陕西: 西安 洛川 延安 榆林 眉县 周至 米脂 大荔 紫阳 富平 汉中 佳县 清涧 武功 秦岭 安康
甘肃: 兰州 天水 静宁 民勤 敦煌 定西 庆阳 张掖 苦水 武威 岷县
宁夏: 中宁 盐池 银川 贺兰山 中卫
青海: 西宁 柴达木 玉树 祁连 都兰
内蒙古: 呼伦贝尔 锡林郭勒 鄂尔多斯 巴彦淖尔 河套 科尔沁 赤峰 敖汉 乌兰察布 包头 锡盟 阿拉善 呼和浩特 通辽
黑龙江: 哈尔滨 五常 东宁 大兴安岭 伊春 北大荒 齐齐哈尔 响水 绥化 佳木斯 牡丹江 建三江 大庆
吉林: 长春 长白山 延边 抚松 集安 通化 白山 梅河口 松原 查干湖 舒兰 敦化
辽宁: 大连 盘锦 丹东 沈阳 东港 鞍山 岫岩 阜新 兴城 庄河 鲅鱼圈 葫芦岛
江苏: 阳澄湖 苏州 无锡 南通 宜兴 洞庭山 盱眙 常熟 扬州 南京 高邮 兴化 徐州 叠石桥 连云港 海门 常州 镇江 盛泽 丰县 固城湖 射阳 丹阳 阳山 太湖
浙江: 杭州 西湖 龙井村 绍兴 宁波 舟山 临安 诸暨 义乌 金华 温州 安吉 桐乡 海宁 湖州 嘉兴 千岛湖 仙居 台州 奉化 丽水 龙泉 庆元 黄岩 永康 余姚 慈溪 建德 磐安 濮院 衢州 武义
安徽: 黄山 祁门 六安 亳州 砀山 霍山 宣城 合肥 宿州 滁州 泾县 芜湖
北京: 平谷 大兴 怀柔
上海: 南汇 崇明
天津: 沙窝
重庆: 奉节 涪陵 江津 巫山 梁平 忠县 万州 荣昌
台湾: 阿里山 日月潭 南投 台北 台南
香港:
澳门:
东北:
"""  # noqa: E501  a line is one province
_COUNTRIES = """
中国|国产|本土|China|Chinese
意大利|Sicily|Sicilian|Puglia|Modena|Murano|Venice|Naples|Como|Piedmont|Parma|西西里|Italy|Italian|Tuscany|Tuscan|Florence|Milan|托斯卡纳|佛罗伦萨|米兰
法国|Grasse|Champagne|Burgundy|Normandy|Limoges|Brittany|勃艮第|诺曼底|格拉斯|France|French|Provence|Bordeaux|Paris|波尔多|普罗旺斯|巴黎
德国|Germany|German|Bavaria|Solingen|索林根
日本|Okayama|Osaka|Tokyo|Sakai|Seki|Kyushu|Okinawa|Arita|岡山|冈山|东京|九州|有田|静冈|宇治|京都|Japan|Japanese|Hokkaido|Kyoto|Uji|北海道|今治|大阪|京都
韩国|Seoul|Busan|首尔|Korea|South Korea|Korean|济州岛|Jeju
美国|USA|US|U.S.|United States|America|American|the States|California|Californian|Texas|Texan|Vermont|Maine|Oregon|Idaho|Florida|Georgia|Kentucky|Wisconsin|New York|Colorado|Ohio|Michigan|Montana|Alaska|Alaskan|Hawaii|Hawaiian|Carolina|North Carolina|South Carolina|Tennessee|Washington|Minnesota|Pennsylvania|Virginia|Kona|Brooklyn|Chicago|Los Angeles|Napa|Sonoma|Louisiana|Alabama|Mississippi|Missouri|Arkansas|Oklahoma|Kansas|Nebraska|Iowa|Indiana|Illinois|Maryland|Delaware|New Jersey|Connecticut|Massachusetts|Rhode Island|New Hampshire|West Virginia|Wyoming|Utah|Nevada|Arizona|New Mexico|North Dakota|South Dakota|Detroit|Pittsburgh|Portland|Seattle|Boston|加州|阿拉斯加
英国|London|Manchester|Cornish|Devon|Kent|Somerset|Lancashire|Staffordshire|Stoke|Northampton|Harris|Isle of Harris|Wales|Birmingham|UK|United Kingdom|England|English|Britain|British|Scotland|Scottish|Wales|Welsh|Yorkshire|Sheffield|Stoke-on-Trent|Cornwall|苏格兰
西班牙|Spain|Spanish|Valencia
葡萄牙|Portugal|Portuguese
澳大利亚|澳洲|Australia|Australian|Tasmania|Tasmanian|塔斯马尼亚
新西兰|New Zealand|Manuka region|麦卢卡
瑞士|Switzerland|Swiss
瑞典|Sweden|Swedish
挪威|Norway|Norwegian
丹麦|Denmark|Danish
芬兰|Finland|Finnish
荷兰|Netherlands|Holland|Dutch
比利时|Belgium|Belgian
奥地利|Austria|Austrian
捷克|Czechia|Czech Republic|Czech
波兰|Poland|Polish
俄罗斯|Russia|Russian|西伯利亚
土耳其|Turkey|Turkish|Türkiye
希腊|Greece|Greek|Crete
爱尔兰|Ireland|Irish
冰岛国|Iceland|Icelandic
加拿大|Canada|Canadian|Quebec
墨西哥|Mexico|Mexican|Oaxaca
巴西|Brazil|Brazilian
智利|Chile|Chilean
秘鲁|Peru|Peruvian
阿根廷|Argentina|Argentine|Argentinian
哥伦比亚|Colombia|Colombian
厄瓜多尔|Ecuador|Ecuadorian
埃塞俄比亚|Ethiopia|Ethiopian
埃及|Egypt|Egyptian
摩洛哥|Morocco|Moroccan
南非|South Africa|South African
肯尼亚|Kenya|Kenyan
印度|Assam|Rajasthan|Mysore|Gujarat|Kerala|India|Indian|Kashmir|Darjeeling|Jaipur|克什米尔
斯里兰卡|Sri Lanka|Ceylon|锡兰
巴基斯坦|Pakistan|Pakistani
孟加拉|Bangladesh
尼泊尔|Nepal|Nepalese
泰国|清迈|金枕|Chiang Mai|Thailand|Thai
越南|芽庄|越南芽庄|Vietnam|Vietnamese
缅甸|Myanmar|Burma|Burmese
马来西亚|Malaysia|Malaysian
印度尼西亚|印尼|Indonesia|Indonesian|Bali
菲律宾|Philippines|Philippine
柬埔寨|Cambodia|Cambodian
老挝|Laos
新加坡|Singapore
伊朗|Iran|Iranian|Persian|波斯
以色列|Israel|Israeli
迪拜|阿联酋|Dubai|UAE
沙特|Saudi Arabia|Saudi
马达加斯加|Madagascar
巴拿马|Panama
哥斯达黎加|Costa Rica|Costa Rican
危地马拉|Guatemala|Guatemalan
乌克兰|Ukraine|Ukrainian
加纳|Ghana|Ghanaian
尼日利亚|Nigeria|Nigerian
突尼斯|Tunisia|Tunisian
黎巴嫩|Lebanon|Lebanese
玻利维亚|Bolivia|Bolivian
乌拉圭|Uruguay|Uruguayan
古巴|Cuba|Cuban
牙买加|Jamaica|Jamaican
多米尼加|Dominican Republic|Dominican
萨尔瓦多|El Salvador
洪都拉斯|Honduras
尼加拉瓜|Nicaragua
坦桑尼亚|Tanzania|Tanzanian
卢旺达|Rwanda|Rwandan
乌干达|Uganda
赞比亚|Zambia
博茨瓦纳|Botswana
匈牙利|Hungary|Hungarian
罗马尼亚|Romania|Romanian
保加利亚|Bulgaria|Bulgarian
克罗地亚|Croatia|Croatian
塞尔维亚|Serbia|Serbian
立陶宛|Lithuania|Lithuanian
拉脱维亚|Latvia|Latvian
爱沙尼亚|Estonia|Estonian
阿富汗|Afghanistan|Afghan
约旦|Jordan
波罗的海|Baltic
蒙古|Mongolia|Mongolian
哈萨克斯坦|Kazakhstan
"""  # noqa: E501  a line is one country
_ENGLISH_CHINA = {
    "Guangdong": "广东", "Shenzhen": "深圳", "Guangzhou": "广州", "Yiwu": "义乌", "Zhejiang": "浙江", "Jiangsu": "江苏",
    "Fujian": "福建", "Yunnan": "云南", "Xinjiang": "新疆", "Hangzhou": "杭州", "Sichuan": "四川", "Shanghai": "上海",
    "Beijing": "北京", "Jingdezhen": "景德镇", "Taiwan": "台湾", "Hong Kong": "香港", "Inner Mongolia": "内蒙古",
    "Suzhou": "苏州", "Ningbo": "宁波", "Shandong": "山东", "Dongguan": "东莞", "Wuyi": "武夷山", "Mongolia": "蒙古",
}  # fmt: skip


def _within() -> dict[str, tuple[str, ...]]:
    """Each place -> itself in one name, then what it lies in."""
    found: dict[str, tuple[str, ...]] = {}
    for line in filter(None, _COUNTRIES.splitlines()):
        names = line.split("|")
        found |= dict.fromkeys(names, (names[0],))
    for line in filter(None, _PROVINCES.splitlines()):
        province, _, towns = line.partition(":")
        found[province] = (province, "中国")
        found |= {town: (town, province, "中国") for town in towns.split()}
    found["冰岛"] = ("冰岛", "云南", "冰岛国", "中国")
    for name, chinese in _ENGLISH_CHINA.items():
        found[name] = found[chinese]
    for town in ("黑龙江", "吉林", "辽宁"):
        found[town] = (town, "东北", "中国")
    for name, chain in list(found.items()):
        if len(chain) == 3 and chain[1] in ("黑龙江", "吉林", "辽宁"):
            found[name] = (*chain[:2], "东北", "中国")
    return found


WITHIN: Mapping[str, tuple[str, ...]] = _within()
"""Each name of a place -> its one name, then everything it lies in: ``阿克苏`` -> 阿克苏, 新疆, 中国."""

_HAN = [name for name in WITHIN if not name.isascii() and "ü" not in name]
_LATIN = [name for name in WITHIN if name not in _HAN]
CHINESE = "|".join(sorted(_HAN, key=len, reverse=True))
ENGLISH = "|".join(re.escape(name) for name in sorted(_LATIN, key=len, reverse=True))
"""Alternations of all names, longest first."""

_NAMES = re.compile(rf"(?:{CHINESE})|\b(?:{ENGLISH})(?![A-Za-z])")


def places_in(text: str) -> list[str]:
    """The names of known places in a text, as written there."""
    return [match.group() for match in _NAMES.finditer(text)]


def same_place(said: str, listed: str) -> bool | None:
    """Whether a said place lies in, or around, one of a listed text; None where one of them is not known.

    A name that stands in the other text is the same place, known or not.
    """
    if said in listed or listed in said:
        return True
    ours, theirs = ({WITHIN[name] for name in places_in(text)} for text in (said, listed))
    if not ours or not theirs:
        return None
    return any(_near(one, other) for one in _narrowest(ours) for other in _narrowest(theirs))


def _narrowest(places: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Without those in which another of them lies: 江苏兴化 is Xinghua."""
    return {one for one in places if not any(one[0] in other[1:] for other in places)}


def _near(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """One lies in the other: the first name of either is among the names of the other."""
    return one[0] in other or other[0] in one
