"""Mandarin: facts that are words and not amounts: free shipping, material, origin, certificate, brand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.around import ends, starts
from models.clauses import Clause
from models.materials import digits
from models.places import CHINESE, WITHIN
from models.results import SpokenFact

_FREE = re.compile(
    r"(?:全国各地|全国|全场|顺丰|京东)?(?:都|也|全部|统统|一律)?(?:包邮(?:到家)?(?!区|线|吗)|"
    r"免邮费?|免运费|免快递费|不收(?:你们?)?(?:一分钱)?(?:的)?(?:运费|邮费)|零(?:运费|邮费)|"
    r"(?:运费|邮费|快递费)(?:全部|都|也)?(?:我|我们|咱们?|商家|店家|店里|主播|公司|由我们|"
    r"全)(?:来|给你们?|家|都|全)*(?:包了?|出了?|承担|全?免|掏|付)|(?:运费|邮费)(?:全)?免了?|"
    r"(?:不用|不要|不需要|没有)(?:你们?)?(?:出|付|掏|给)?(?:运费|邮费)(?!险))"
)
_EVERYWHERE = re.compile(r"全国|各地|哪里|哪儿|任何地方|所有地区|偏远|不管.{0,6}(?:地方|哪)|新疆|西藏|内蒙|海南|港澳")
_EXCEPT = re.compile(r"除了?|除外|不含|不包括|不发|以外|补|加")
_FREE_IF = ends(r"(?:满|够|超过|买满|凑)[^，]{1,8}|不|没有?|没法|不能|无法|做不到|非")

_PREFIX = (
    r"纯天然|天然的?|无优化的?|无烧|纯|全(?!面|部|都|是|新)|真(?=金|银|丝|皮)|百分之一?百的?|"
    r"百分百的?|100 ?[%％]的?|\d{2}(?:\.\d)? ?[%％]的?|百分之[一二三四五六七八九十]+的?"
    r"|A货的?|老坑|冰种|头层|二层|长绒|精梳|六?6?A级|老料|原矿|俄料|新疆|美利奴|无核?|野生|镀|"
    r"包(?=[金银])|鎏|千足|万足|九九九|九二五|999|990|925|18K|十八[kK]|24K|二十四[kK]|22K|14K|"
    r"316|304|三零四|三一六|食品级|医用|进口|白|加厚|整张|整块|老山|海南|印度|小叶|大叶|海水|"
    r"淡水|老挝|北美|阿富汗|缅甸|奶油|桑"
)
_STRONG_BASE = (
    r"足金(?: ?(?:999\.?9?|九九九九?|990))?|千足金|万足金|\d{1,2} ?[kK]金|(?:十八|十四|二十二|"
    r"二十四|九)[kK]金?|18[kK]|足银(?: ?(?:999|990|九九九|九九零))?|纯银|纯金|真金|"
    r"[Ss] ?(?:925|九二五)(?: ?(?:纯)?银)?|(?:925|九二五|999|九九九|990)(?:纯|足|的)?[银金]|"
    r"[Pp][Tt] ?(?:950|990|999)|铂金(?: ?(?:950|九五零|990))?"
    r"|纯棉|全棉|真丝|桑蚕丝|真皮|头层牛皮|实木|原木(?!浆|色|风)|纯钛|纯铜|紫铜|全铜|A货翡翠|"
    r"翡翠A货|A货(?!市)|纯羊毛|纯羊绒|全羊毛|(?:304|316L?|三零四|三一六|430)(?:食品级|"
    r"医用)?(?:级)?的?不锈钢|不锈钢 ?(?:304|316L?)|香云纱|白鹅绒|白鸭绒|鹅绒|鸭绒|山羊绒|骨瓷|"
    r"高硼硅玻璃|高硼硅|黄花梨|小叶紫檀|金丝楠木?|羊脂白?玉"
)
_WEAK_BASE = (
    r"黄金(?!周|时|地段|比例|搭档|期|位|色|搭|段|眼)|铂金|纯[羊牦][毛绒]|羊毛|羊绒|羊驼(?:绒|"
    r"毛)?|马海毛|牦牛绒|棉花|棉|蚕丝|丝绸|亚麻|苎麻|竹纤维|莫代尔|天丝|莱赛尔|牛皮|牛二层|"
    r"羊皮|小羊皮|小牛皮|绵羊皮|水貂毛?|貂毛|狐狸毛"
    r"|橡木|白橡木|胡桃木|黑胡桃|柚木|松木|榉木|枫木|橡胶木|红木|酸枝木?|鸡翅木|檀木|紫檀|"
    r"檀香木?|乌木|楠竹|沉香|不锈钢|铸铁|钛合金|钛|黄铜|铝合金|陶瓷|紫砂|朱泥|水晶|硅胶|乳胶|"
    r"记忆棉|翡翠|和田玉|碧玉|南红|玛瑙|绿松石|珍珠|akoya|钻石|莫桑石|蜜蜡|琥珀|红宝石|蓝宝石|"
    r"祖母绿|菩提|大豆蜡|蜂蜡|聚酯纤维|涤纶|锦纶|尼龙|腈纶|PU皮?|超纤皮?|羽绒|树脂|玻璃"
)
_MATERIAL = re.compile(
    rf"(?P<prefix>(?:{_PREFIX}){{0,3}})(?P<base>(?P<strong>{_STRONG_BASE})|"
    rf"{_WEAK_BASE})(?P<suffix>A货| ?(?:999|九九九|925|九二五))?"
)
_ONLY_QUALITY = re.compile(r"^(?:白|加厚|进口|海南|印度|新疆|缅甸|北美|老挝|医用|阿富汗|小叶|大叶|桑|整张|整块)*$")
_IS_MADE = ends(
    r"(?:是|都是|全是|就是|用的(?:是|都是|全是)?|用了|用|采用|材质(?:是|就是|为)?|面料(?:是|"
    r"就是|用的)?|材料(?:是)?|料子(?:是)?|里料是?|内胆(?:是)?|填充(?:的)?(?:是|物是?)?|"
    r"填的(?:是|都是)?|做的是?|选用|选的是?|里面(?:是|填的|全是)|外面是|表面是|成分(?:是)?|"
    r"锅身是?|主体是?|镶的?(?:是)?|含)"
    r"(?:的|正儿八经|正经|实打实|那种|最?好的|整块|整张|一整?[块张]|全|都|啊|呢|它|进口|纯|"
    r"什么|上等|百分之?百|100%|[\u4e00-\u9fff]{0,2}的){0,3}"
)
_MADE_RIGHT = starts(
    r"(?:的|材质|面料|做的?|打造|打的|料|制作|手工|制成|织的|材料)(?:的)?(?:啊|哦|呢|料子|料|"
    r"材质|面料|$|[，,。])|材质|面料|做的|打造|内胆|打制"
)
_NOT_MADE = ends(
    r"(?:不是|没有?|不含|并非|不算|又不是|绝不|不敢说|不能说|别当|别以为|仿|像|好像|比|跟|"
    r"类似|媲美|堪比|替代|代替|不比|假|所谓|说成|当成|冒充|别人|人家|他家|家里|我那|不掺|没掺|"
    r"不添加|不用|不如|什么|怕|搭配?|配|送|赠|里头没|无|没说|不做|不卖|不敢|区别|非|冒牌|当作|"
    r"看着像|叫|那些|隔壁|喜欢|想要|买|洗)(?:的|了|是|什么|这个|那种|那些|一块|一条|用|到|含|"
    r"纯|一点|过|这|一|个|说)*"
)
_AS_IF = starts(
    r"(?:的)?(?:手感|质感|触感|光泽|似的|一样|般|效果|风|色|纹|味|感觉|感|那样|那种|也?不是|"
    r"没有|也?不好|不能|不可|怕|要|怎么|比|的话|市场|价格|涨|今天|大盘|回收|跌|清洁|护理|洗|"
    r"同款|跟|和真|粉|霜|面霜|奶茶|糖|白(?!色)|膏|面膜|液|水|街|城|镇|路|店|柜|之|玻璃|拖鞋)"
)

_PLACE = rf"(?:(?:{CHINESE})(?:省|市|县|自治区|地区|产区|镇|本地|当地|山区)?){{1,3}}"
_GOODS = (
    r"苹果|红枣|大枣|枣|大米|米|小米|茶|普洱|红茶|绿茶|白茶|岩茶|龙井|碧螺春|铁观音|毛尖|肉桂|"
    r"水仙|蜂蜜|蜜|核桃|杏|葡萄干?|哈密瓜|香梨|梨|橙|脐橙|柑|橘|柚|芒果|荔枝|龙眼|樱桃|车厘子|"
    r"草莓|蓝莓|石榴|猕猴桃|牛肉|羊肉|牛奶|奶粉|奶|羊绒|羊毛|棉|丝绸|真丝|丝|瓷|瓷器|陶|紫砂|"
    r"翡翠|和田玉|玉|珍珠|琥珀|蜜蜡|大闸蟹|蟹|虾|海参|鲍鱼|三文鱼|带鱼|牛排|榴莲|山竹|燕窝|"
    r"枸杞|人参|西洋参|木耳|香菇|菌|松茸|花胶|酒|红酒|啤酒|橄榄油|油|辣椒|花椒|腊肉|火腿|粉丝|"
    r"米粉|螺蛳粉|牛轧糖|巧克力|咖啡|豆|皮|牛皮|真皮|皮革|钢|不锈钢|乳胶|面膜|精油|玫瑰|手工|"
    r"工艺|表|机芯|刀|锅|沉香|黄花梨|红木|橡木|木|板栗|红薯|土豆|洋葱|大蒜|姜|山药|百合|莲子|"
    r"藕|银耳|桂圆|陈皮|阿胶|酱油|醋|豆瓣|茶叶|鸭蛋|咸鸭蛋|鸡蛋|小龙虾|牡蛎|生蚝|扇贝|海带|"
    r"紫菜|鱿鱼|奶酪|黄油|饼干|水果|特产|货|料子|料|原料|原石|进口|籽料|黑土|面粉|挂面|燕麦|"
    r"藜麦|奶源|工厂|车间|血统|品质|蜂场|果园|树|冰糖心|早酥|砀山|无花果|小麦|花生|芝麻|黑豆|"
    r"绿豆|蚕丝|蚕丝被|被|毛巾|羽绒|羊皮"
)
_FROM = re.compile(
    rf"(?P<cue>(?:原产地|原产国|产地|产区|货源地?|发源地|料子|原料|奶源|源头)(?:就)?(?:是|在|"
    rf"为|来自|选的?是?)?|产自|来自|出自|源自|原产于?|生长在|长在|种在|采自|取自|捞自|正宗的?|"
    rf"地道的?|纯正的?|真正的?|正儿八经的?|正经的?|实打实的?|道地的?|都是|就是|是|全是|从|"
    rf"在)?(?:我们|咱们?)?(?P<place>{_PLACE})(?P<after>.{{0,8}})"
)
_PLACE_CUE = re.compile(
    r"产地|产国|产区|货源|原料|奶源|源头|料子|自$|原产|长在|种在|正宗|地道|纯正|真正|正儿|正经|实打实|道地"
)
_PLACE_RIGHT = starts(
    rf"的?(?:本地|当地|那边|深山|高山|老林子?|农家|山里|大山|海边|野生|有机|新鲜|老|优质|正宗|"
    rf"纯|大|小|黑|白|红|金|进口|核心产区|牧场|草原|天然|A货|手工){{0,3}}(?:的)?(?:{_GOODS})|"
    rf"老?林子?|深山|山里的|草原上?的|产的?|生产的?|制造|原装|原产|进口|直供|直采|特产|手工|"
    rf"货源|运来|运过来|空运|采的?|摘的?|做的|织的|烧的?|酿|种的?|捞的?|养的?|挖的?|拉来|"
    rf"拉过来|那边(?:产|种|来|过来|拉)|本地的|当地的|里?(?:野蜂|出来的|长的|的货)|原产地|"
    rf"核心产区|产区|的$|的[，啊哦呢]"
)
_UNKNOWN_PLACE = re.compile(
    r"(?:原产地|原产国|产地(?!证|直)|产自|原产于)(?:就)?(?:是|在|为|:|：)?(?:我们|"
    r"咱们?)?(?P<place>[\u4e00-\u9fff]{2,8}?)(?=的|这|那|产|$|啊|呢|吧|，|里)"
)
_CUED = re.compile(rf"{CHINESE}|产地|产国|产自|原产")
_NO_PLACE = re.compile(r"哪|什么|这里|不一|不同|很|直|发货|写|查|标")
_NO_ORIGIN = ends(
    r"(?:不是|没说|仿|不产|除了?|像|好像|比|去|到|发往|发到|寄到|飞|跟|和|不算|并非|不如|偏远|"
    r"包括|包邮|没去过|地址|哪怕|我在|住在?|我是|人在|下一场|明天|上次去|假冒|冒充|不属于|"
    r"别家|朋友|姐妹|老家)(?:了|过|的|是|从|来自)?"
)
_NO_ORIGIN_RIGHT = starts(
    r"(?:的|那边的?|地区的?)?(?:姐妹|朋友|宝宝|粉丝|家人|大哥|大姐|老铁|仓|发货|除外|不发|"
    r"不包|包邮|加|天气|下雪|时间|人|话|客服|老师|同学|用户|订单|口味|风味|风格|风(?!干)|做法|"
    r"吃法|同款|工艺(?!品)|品种|技术|设计|品牌|大牌|牌子|旅游|玩|出差|老乡|学校|大学|疫情|"
    r"快递|顺丰|西藏|新疆|偏远|发的|兄弟|男|女|用不|运费|邮费|要加|也包|都包|哪|路|专柜|代购|"
    r"人家|超市|商场|老板|话说|一带的人)"
)

_SPOKEN_DIGITS = str.maketrans("零〇一二三四五六七八九幺点", "00123456789" + "1.")
_NUMBERED = re.compile(
    r"(?:(?P<kind>专利(?:证)?号?|证书(?:编)?号?码?|编号|批号|批准文号|注册(?:证)?号|"
    r"备案(?:编)?号|许可证(?:编)?号|认证(?:编)?号|检测报告(?:编)?号|报告(?:编)?号|"
    r"鉴定(?:证书)?(?:编)?号|国药准字|国食健字|国妆特字|国妆备字|卫妆准字|食健备字?)"
    r"(?:就)?(?:是|为|叫|:|：)?\s?)?(?P<number>(?:(?:ZL|国药准字|国食健字|国妆特字|"
    r"国妆网备进字|卫妆准字|食健备|GIA|NGTC|SC|CN|QB|GB(?:/T)?|"
    r"[A-Z]{1,6})[ -]?)?[A-Z]?[\d零〇一二三四五六七八九幺点.X-]{6,}[A-Z]?)"
)
_KIND = (
    r"(?:3C|三C|CCC|ISO ?\d*|GIA|NGTC|IGI|国检|省检|SGS|CMA|CNAS|FDA|CE|ROHS|RoHS|欧盟|"
    r"美国FDA|有机(?:产品|食品)?|绿色食品|无公害|地理标志(?:产品|保护)?|QS|HACCP|中检|"
    r"权威机构?|第三方|出厂|鉴定|质检|检测|检验|检疫|珠宝|收藏|原产地|外观设计|外观|发明|"
    r"实用新型|国家(?:级)?|A类|能效|节能|环保|安全|防水|防爆|无菌|农残|重金属|金伯利|翡翠|"
    r"和田玉|玉石|钻石|宝石|羊绒|纯羊毛|品质|正品|授权|进口|报关|熊猫|母婴|食品(?:级)?|卫生|"
    r"进网|入网|电信|十环|碳足迹|零碳|武夷山|蒙古|特级|质量|双|绿标|甲醛|中国|德国|TUV|莱茵|"
    r"OEKO-TEX|安心纺织)"
)
_CERTIFICATE = re.compile(
    rf"(?:{_KIND}的?){{1,4}}(?:体系)?(?:认证(?:证书|标志|标识)?|证书|报告(?:书)?|合格证|"
    rf"检测报告|质检报告|专利(?:证书)?|鉴定书|检疫证明?|许可证|证明|通关单|授权书?)|报关单|"
    rf"蓝帽子|小蓝帽|合格证|(?:国家)?专利(?!号)(?:证书|技术)?|食品经营许可证|生产许可证|检疫证|"
    rf"(?:3C|三C|CCC)(?=的|标|$)"
)
_HAS_CERTIFICATE = re.compile(
    r"(?:带|配|附|附带|有|自带|都有|配有|随货|送|一物一|一货一|一镯一|一石一|一件一|"
    r"一只一)(?:[鉴个的一份本张]{0,3})(?P<it>证书?)(?![编号])(?=的|$|，|啊|哦|可|随|都|齐)"
)
_NO_CERTIFICATE = ends(
    r"(?:没有?|无|不是|不带|不配|需要|要有|假|别问|哪有|没拿|没办|没做|还没|不需要|未|"
    r"没评过?什么|没过|缺|少|正在(?:申请|办)|在办|在申请|等|不敢说|不能写|自己去|别信|"
    r"什么)(?:[的了过什么任何这个那种是]|有|获得|取得|通过|申请)*"
)
_CERTIFICATE_AS_IF = starts(r"(?:的)?(?:上|那种|怎么|在哪|是干|是什么|可以自己|没有|还没|不|丢|另)")

_BRANDS = (
    r"耐克|阿迪达斯|阿迪|彪马|新百伦|李宁|安踏|特步|鸿星尔克|三六一度|361°?|匡威|斐乐|始祖鸟|"
    r"北面|波司登|优衣库|海澜之家|路易威登|驴牌|古驰|香奈儿|迪奥|爱马仕|普拉达|巴宝莉|蔻驰|"
    r"卡地亚|蒂芙尼|宝格丽|梵克雅宝|劳力士|欧米茄|浪琴|天梭|卡西欧|周大福|周生生|周大生|"
    r"老凤祥|六福|潮宏基|中国黄金|老庙|梦金园"
    r"|雅诗兰黛|兰蔻|海蓝之谜|SK-?II|SK2|资生堂|科颜氏|欧莱雅|玉兰油|薇诺娜|珀莱雅|百雀羚|"
    r"自然堂|完美日记|花西子|阿玛尼|圣罗兰|娇兰|祖玛珑|理肤泉|修丽可|雪花秀|戴森|飞利浦|松下|"
    r"索尼|美的|格力|海尔|小米(?=手机|电视|官方|正品|手环|旗舰|的)|九阳|苏泊尔|西门子|双立人|"
    r"膳魔师|象印|虎牌|华为|苹果(?=手机|官方|正品|原装|耳机|平板|手表|的?电脑)|三星|荣耀|OPPO|"
    r"vivo|一加|联想|戴尔|惠普|佳能|尼康|大疆|乐高|迪士尼|泡泡玛特|茅台|五粮液|剑南春|"
    r"泸州老窖|洋河|汾酒|郎酒|习酒|张裕|拉菲|奔富|伊利|蒙牛|飞鹤|爱他美|美赞臣|君乐宝|"
    r"三只松鼠|良品铺子|百草味|洽洽|海天|李锦记|金龙鱼|福临门|十月稻田|同仁堂|东阿阿胶|"
    r"汤臣倍健|帮宝适|花王|好奇|维达|清风|心相印|蓝月亮|立白|南极人|恒源祥|鄂尔多斯|水星家纺|"
    r"罗莱|富安娜|全棉时代|红豆|七匹狼|雅戈尔|回力|百丽|LV|Gucci|GUCCI|Chanel|CHANEL|Dior|"
    r"DIOR|Prada|PRADA|Hermes|HERMES|Burberry|Coach|COACH|MK|Nike|NIKE|Adidas|adidas|AJ|Apple|"
    r"iPhone|AirPods|Lululemon|lululemon|MaxMara|Max Mara|UGG|Crocs"
)
_NAME = r"[A-Za-z][A-Za-z0-9&' .-]{1,18}[A-Za-z0-9]|[\u4e00-\u9fff]{2,5}?"
_BRAND_NAMED = re.compile(
    rf"(?:(?:牌子|品牌)(?:是|叫|名叫|名字叫|:|：)(?:我们自己的|咱们自己的|"
    rf"自己的)?(?P<named>{_NAME})(?=$|的|这|牌|啊|哦|呢|，|[\s]))|(?P<pai>(?:{_BRANDS})|"
    rf"[A-Za-z]{{2,12}})(?:这个|的)?(?:牌子|牌|品牌)的?|(?:正品|原装|正规|正宗|官方|专柜|授权|"
    rf"真正?的?|正儿八经的?|正经的?)(?:的)?(?P<genuine>{_BRANDS})|"
    rf"(?P<official>{_BRANDS})(?:的)?(?:官方|正品|原装|原厂|旗舰|授权|专柜正品|专柜货|专柜的|"
    rf"本牌|正装|家的|出的|出品|公司的|集团)|(?:这|就|都|全|我们?|咱们?|它|那)(?:款|个|双|件|"
    rf"瓶|只|条|台|块|部|支|套|盒|可)?(?:就|可|都|全)?是(?:正品|正宗|真|正规|正经|大牌|"
    rf"国际大牌)?(?:的)?(?P<is>{_BRANDS})|(?:^|[是卖这])(?P<head>{_BRANDS})(?:的)?(?:包|鞋|"
    rf"球鞋|运动鞋|面霜|精华|口红|手机|耳机|吹风机|手表|表|酒|飞天|大衣|羽绒服|卫衣|T恤|腰带|"
    rf"皮带|香水|粉底|吸尘器|电饭煲|奶粉|老花|金条|项链|手镯)"
)
_NO_BRAND = re.compile(
    r"同款|平替|平价|不输|不比|对标|代工|同厂|同一个厂|一条线|同线|同源|一个线|一个厂|类似|仿|"
    r"高仿|复刻|兼容|适用|适配|专用|保护壳|手机壳|壳|膜|都在用|之前用|换掉|不是|没有|跟|像|比|"
    r"风格|灵感|一样|差不多|媲美|堪比|同级|同品质|同档|供应商|同工厂|同料|打版|版型|别人|人家|"
    r"隔壁|山寨|假|吗|那个|那些|没法|别想"
)
_ANY_BRAND = re.compile(rf"(?:{_BRANDS})")


def word_facts(clause: Clause) -> Iterator[SpokenFact]:
    """The facts of a clause that are words."""
    yield from _shipping(clause)
    yield from _materials(clause)
    yield from _origins(clause)
    yield from _certificates(clause)
    yield from _brands(clause)


def _at(
    clause: Clause, field: str, value: str, span: tuple[int, int], notes: frozenset[str] = frozenset()
) -> SpokenFact:
    return SpokenFact(field, value, clause.start + span[0], clause.start + span[1], notes)


def _shipping(clause: Clause) -> Iterator[SpokenFact]:
    for match in _FREE.finditer(clause.text):
        if _FREE_IF(clause.text[: match.start()]) or re.match(r"吗|么|不|线", clause.text[match.end() :]):
            continue
        spoken = (
            clause.before[-12:] + clause.text
            if re.search(r"哪|新疆|西藏|偏远|各地", clause.before[-12:])
            else clause.text
        )
        wide = _EVERYWHERE.search(spoken) and not _EXCEPT.search(spoken)
        yield _at(clause, "shipping", "free", match.span(), frozenset({"everywhere"}) if wide else frozenset())
        return


def _materials(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    for match in _MATERIAL.finditer(text):
        left, right = text[: match.start()], text[match.end() :]
        if _NOT_MADE(left[-10:]) or _AS_IF(right):
            continue
        sure = match["strong"] or match["suffix"] or not _ONLY_QUALITY.match(match["prefix"])
        if sure or _IS_MADE(left) or _MADE_RIGHT(right):
            yield _at(clause, "material", digits(match.group()).replace("的", ""), match.span())


def _origins(clause: Clause) -> Iterator[SpokenFact]:
    text, found = clause.text, False
    if not _CUED.search(text):
        return
    for match in _FROM.finditer(text):
        cue, place = match["cue"] or "", match["place"]
        left, right = text[: match.start("place") if not cue else match.start()], text[match.end("place") :]
        if (
            _NO_ORIGIN(left[-8:])
            or _NO_ORIGIN(text[: match.start("place")][-8:])
            or _NO_ORIGIN_RIGHT(right)
            or (place in ("东方", "太平", "方正", "后") and not _PLACE_CUE.search(cue))
        ):
            continue
        if cue == "来自" and re.match(r"的?[^，]{0,6}(?:姐妹|朋友|宝宝|大哥|粉丝|家人)", right):
            continue
        if (cue and _PLACE_CUE.search(cue)) or _PLACE_RIGHT(right):
            found = True
            yield _at(clause, "origin", place, match.span("place"))
    named = None if found else _UNKNOWN_PLACE.search(text)
    if named and not _NO_PLACE.search(named["place"]) and not _NO_ORIGIN(text[: named.start()]):
        yield _at(clause, "origin", named["place"], named.span("place"))


def _certificates(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    taken: list[tuple[int, int]] = []
    for match in _NUMBERED.finditer(text):
        number = match["number"]
        if (
            not (match["kind"] or re.match(r"[A-Z国卫食]", number))
            or len(re.findall(r"[\d零〇一二三四五六七八九幺]", number)) < 6
        ):
            continue
        kind = match["kind"] or ""
        value = number.translate(_SPOKEN_DIGITS).replace(" ", "").strip(".-")
        if kind.endswith(("字", "备")):
            value = kind + value
        taken.append(match.span())
        yield _at(clause, "certificate", value, match.span("number") if not kind.endswith("字") else match.span())
    for match in _CERTIFICATE.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        if not _NO_CERTIFICATE(text[: match.start()]) and not _CERTIFICATE_AS_IF(text[match.end() :]):
            taken.append(match.span())
            yield _at(clause, "certificate", match.group(), match.span())
    plain = None if taken else _HAS_CERTIFICATE.search(text)
    if plain and not re.search(r"没有?证|没带|没配", text):
        yield _at(clause, "certificate", plain["it"], plain.span("it"))


def _brands(clause: Clause) -> Iterator[SpokenFact]:
    text = clause.text
    for match in _BRAND_NAMED.finditer(text):
        name = next(key for key in ("named", "pai", "genuine", "official", "is", "head") if match[key])
        if (
            _NO_BRAND.search(text)
            or re.search(r"自己|自家|自有|自创|什么|哪|没听|不重要|叫不|大牌|国货|国产|小众|老", match[name])
            or match[name] in WITHIN
        ):
            continue
        yield _at(clause, "brand", match[name].strip(), match.span(name))
        return
