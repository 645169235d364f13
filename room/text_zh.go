package room

// Chinese is what a room says in Chinese.
var Chinese = Texts{
	Welcome:   "欢迎来到 %s，你的昵称是 %s；%s",
	Alone:     "这里还没有别人",
	WithYou:   "在场的有：%s",
	HelpHint:  "输入 /help 查看命令，/nick 昵称 可以改名",
	Joined:    "%s 进来了",
	Left:      "%s 离开了",
	LeftWhy:   "%s 离开了（%s）",
	Renamed:   "%s 改名为 %s",
	AndMore:   "%s 等，另有 %d 人",
	Closing:   "聊天室即将关闭",
	Lost:      "连接丢失：%s",
	Who:       "共 %d 人：%s",
	WhoNobody: "没有昵称里带 %s 的人",
	HelpSlash: "要说以斜杠开头的话，请写两个斜杠 //",
	NoHistory: "没有还记得的发言",
	BadNumber: "%s 不是行数",

	NickInstead: "%s；暂时叫你 %s",
	NickSame:    "你已经叫 %s 了",
	NickBusy:    "上一次改名还没有完成",
	NickEmpty:   "昵称至少要有一个字符",
	NickTaken:   "昵称 %s 已经有人用了",
	NickLong:    "昵称最多 %d 个字符",
	NickSpace:   "昵称里不能有空格",
	NickChar:    "昵称里不能有 %s",
	NickHidden:  "昵称里不能有看不见或无法显示的字符（%s）",
	NickMark:    "昵称不能以组合符号开头",

	TooLong:  "没有发出：有 %d 个字符，上限是 %d",
	NoSuch:   "没有命令 %s；输入 /help 查看有哪些",
	NoSuchDo: "没有命令 %s；是不是想用 %s？",
	Usage:    "用法：%s",

	HelpNick:    "改昵称",
	HelpWho:     "看谁在场；给出 PART 则只列昵称里带它的人",
	HelpMe:      "说你在做什么",
	HelpHistory: "看最近的发言",
	HelpHelp:    "列出命令，或说明其中一个",
	HelpQuit:    "离开",
}
